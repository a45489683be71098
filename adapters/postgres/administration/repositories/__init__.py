"""Repositories of administration: one module a noun."""
