"""Repositories of carts: one module a noun."""
