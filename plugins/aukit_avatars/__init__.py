"""Avatars: the open benchmark with synthetic people."""
