"""What the shop does: the use cases, and the ports they call."""
