"""Message content rendered from Jinja templates."""
