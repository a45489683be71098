"""What the shop tells its customers: planned by events, written when due, sent once."""
