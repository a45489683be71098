"""Checkout: carts become orders, several in one batch."""
