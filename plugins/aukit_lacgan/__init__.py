"""LAC-GAN: each action unit synthesized by a generator of its own, inside its own region."""
