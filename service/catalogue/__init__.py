"""Products, variants and kits: the goods and services that can be sold."""
