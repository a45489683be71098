"""Wire shapes of inventory: one module a noun."""
