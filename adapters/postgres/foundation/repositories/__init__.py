"""Repositories of foundation: one module a noun."""
