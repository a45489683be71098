"""Controllers of carts: one module a noun."""
