"""Routing of goods to send, and the stores that can serve a whole cart."""
