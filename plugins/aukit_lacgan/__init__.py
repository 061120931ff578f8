"""LAC-GAN: each action unit is synthesized by its own generator, inside its own region."""
