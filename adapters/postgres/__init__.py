"""Where the shop's facts are kept."""
