"""Availability answers kept encoded in a worker's memory."""
