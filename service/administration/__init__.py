"""Imports, webhooks, the audit and the reactions to events."""
