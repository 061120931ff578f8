"""VGG16 as an AU intensity estimator (Niinuma et al. 2021, section 4.2.2)."""
