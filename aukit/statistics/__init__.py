"""Agreement, detection and intervals, in float64 and from sums, so that frames can be streamed."""
