"""A small made-up retailer to try things on; README.md beside it says what is in it."""
