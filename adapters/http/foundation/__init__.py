"""Callers, API keys, idempotency and events: the base that every context builds on."""
