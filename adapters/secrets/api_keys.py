"""Secrets of API keys: 256 random bits, stored only as a hash.

A prefix distinguishes a publishable key, which may appear in a web page, from a secret one.
"""

from base64 import b64encode
from hashlib import sha256
from secrets import token_bytes, token_urlsafe

from domain.foundation.callers import Role


class RandomSecrets:
    """Random secrets of 256 bits: a plain hash protects them, since guessing is infeasible."""

    @staticmethod
    def create(role: Role) -> str:
        return f"{'pk' if role is Role.SHOP else 'sk'}_{token_urlsafe(32)}"

    @staticmethod
    def create_signing_secret() -> str:
        return f"whsec_{b64encode(token_bytes(32)).decode()}"

    @staticmethod
    def hash(secret: str) -> bytes:
        return sha256(secret.encode()).digest()
