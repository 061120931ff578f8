"""Tables of predictions: sums over them, which frames they hold, and those of other programs."""
