"""An executor on Ray: map-like stages on the nodes of a cluster."""
