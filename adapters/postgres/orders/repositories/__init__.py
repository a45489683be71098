"""Repositories of orders: one module a noun."""
