"""Requests to the public API that several tests make: unavailable database."""

NOWHERE = "postgresql+asyncpg://nobody@127.0.0.1:1/nothing"
