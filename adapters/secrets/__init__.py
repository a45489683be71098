"""Secrets and one-time codes."""
