"""Returns of goods, with and without a receipt, and their dispositions."""
