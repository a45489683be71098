"""Carts that follow the person, from the first line to the checkout."""
