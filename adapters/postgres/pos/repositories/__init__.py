"""Repositories of pos: one module a noun."""
