"""Repositories of pricing: one module a noun."""
