"""Random numbers that are a pure function of a seed and a name.

Drawing from a generator makes a sample depend on what was drawn before it. Here every number is a
hash of (seed, purpose, position), so that a picture is the same in any batch, on any worker, on any
device. The hash is the finalizer of SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom
number generators", OOPSLA 2014), which int64 arithmetic with wrap-around reproduces anywhere.
"""

from __future__ import annotations

import zlib

import torch
from torch import Tensor

_STEP = 0x9E3779B97F4A7C15 - (1 << 64)
_FIRST = 0xBF58476D1CE4E5B9 - (1 << 64)
_SECOND = 0x94D049BB133111EB - (1 << 64)


def derive(seeds: Tensor, purpose: str) -> Tensor:
    """Seeds for one purpose: int64 in, int64 of the same shape out."""
    return _mix(_mix(seeds + _STEP) + zlib.crc32(purpose.encode()))


def bits(seeds: Tensor, count: int) -> Tensor:
    """(B, count) int64 of 64 random bits each, for (B,) int64 seeds."""
    place = torch.arange(1, count + 1, device=seeds.device)
    return _mix(seeds[:, None] + place * _STEP)


def uniform(seeds: Tensor, purpose: str, count: int) -> Tensor:
    """(B, count) float32 in [0, 1)."""
    return _top(bits(derive(seeds, purpose), count), 24).float() / (1 << 24)


def normal(seeds: Tensor, purpose: str, count: int) -> Tensor:
    """(B, count) float32, close to standard normal: the scaled sum of four uniform numbers.

    Bounded by 3.5 standard deviations, which suits the looks of people and the noise of cameras.
    """
    word = bits(derive(seeds, purpose), count)
    total = sum((word >> shift & 0xFFFF for shift in (16, 32, 48)), word & 0xFFFF)
    return (total.float() / 65535 - 2) * 3**0.5


def _top(word: Tensor, count: int) -> Tensor:
    """The upper bits as non-negative numbers."""
    return word >> (64 - count) & ((1 << count) - 1)


def _mix(word: Tensor) -> Tensor:
    word = (word ^ _logical_shift(word, 30)) * _FIRST
    word = (word ^ _logical_shift(word, 27)) * _SECOND
    return word ^ _logical_shift(word, 31)


def _logical_shift(word: Tensor, count: int) -> Tensor:
    return word >> count & ((1 << (64 - count)) - 1)
