"""Messages to customers after an event: planned, rendered and sent once."""
