"""Controllers of inventory: one module a noun."""
