"""The HTTP API that the storefront, the tills and the office call."""
