"""Markets, promotions, taxes and shipping methods, and the price of a cart."""
