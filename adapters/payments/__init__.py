"""Providers that take money for the shop."""
