"""Controllers of orders: one module a noun."""
