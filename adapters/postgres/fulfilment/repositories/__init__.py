"""Repositories of fulfilment: one module a noun."""
