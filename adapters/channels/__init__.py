"""The delivery channels of messages."""
