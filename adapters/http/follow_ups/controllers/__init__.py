"""Controllers of follow_ups: one module a noun."""
