"""Money by card: asked for, looked at, and written down; the provider has the last word."""
