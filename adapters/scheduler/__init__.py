"""Periodic jobs on APScheduler."""
