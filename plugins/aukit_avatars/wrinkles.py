"""Folds of the skin that come and go with the action units."""
import torch
class Wrinkles:
    def __init__(self, head): self.n=8; self.window=(0.2,0.22,0.8,0.82); self.size=288
    def textures(self, strength, looks): return strength.new_zeros(len(looks)*self.size**2,3)
