"""GANimation with the idiosyncratic loss (Niinuma et al. 2021, section 3.2)."""
