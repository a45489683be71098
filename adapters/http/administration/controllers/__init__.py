"""Controllers of administration: one module a noun."""
