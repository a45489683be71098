"""Returns of goods, with and without a receipt, and what becomes of them."""
