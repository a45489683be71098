"""The HTTP stack that every context shares: middleware, problems, paging, contract."""
