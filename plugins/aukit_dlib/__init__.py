"""dlib's 68 points as a landmarker (King, "Dlib-ml", JMLR 2009)."""
