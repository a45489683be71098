"""Routing of what is sent, and the stores that can serve a whole cart."""
