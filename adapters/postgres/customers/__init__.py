"""Customers and the identifiers by which the retailer knows them."""
