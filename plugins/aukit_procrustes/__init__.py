"""2D registration: a similarity from 68 landmarks to a frontal template."""
