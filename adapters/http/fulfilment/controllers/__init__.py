"""Controllers of fulfilment: one module a noun."""
