"""Repositories of inventory: one module a noun."""
