"""What the three clients call."""
