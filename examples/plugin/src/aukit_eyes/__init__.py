"""An aligner that puts the eyes in place."""
