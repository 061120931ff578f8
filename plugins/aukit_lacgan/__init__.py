"""LAC-GAN: each action unit painted by a generator of its own, inside its own region."""
