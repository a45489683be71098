"""Controllers of pos: one module a noun."""
