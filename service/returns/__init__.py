"""Goods come back: they are announced, received, paid back and looked at."""
