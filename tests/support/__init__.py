"""Building blocks that tests share."""
