"""Payment of an order: started, retried, reconciled with the provider and settled."""
