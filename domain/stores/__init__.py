"""Stores, their opening hours and the pickup promises that follow from them."""
