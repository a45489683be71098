"""Repositories of loyalty: one module a noun."""
