"""Returns of goods, with and without a receipt, and the disposition of the goods."""
