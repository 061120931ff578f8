"""Avatars: the open benchmark of people who do not exist."""
