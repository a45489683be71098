"""Controllers of customers: one module a noun."""
