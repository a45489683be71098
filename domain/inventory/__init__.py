"""Stock levels and everything that changes, holds, counts or publishes them."""
