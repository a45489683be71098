"""Payment attempts, provider transactions, tenders and refunds."""
