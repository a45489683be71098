"""Controllers of pricing: one module a noun."""
