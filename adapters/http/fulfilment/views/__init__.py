"""Wire shapes of fulfilment: one module a noun."""
