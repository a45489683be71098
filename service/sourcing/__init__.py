"""Routing of shipped lines, and the stores that can serve a whole cart."""
