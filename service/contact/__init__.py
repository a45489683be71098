"""Message channels, consent and preferences: how a customer may be contacted."""
