"""PRNet: a dense face mesh from one picture, by regression of a UV position map."""
