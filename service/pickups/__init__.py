"""Pickups: each verb takes one under its lock, the domain decides, and what follows is written."""
