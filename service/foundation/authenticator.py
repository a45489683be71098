"""Recognising who calls by the secret or the token they bring."""

import time
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Final

from domain.foundation.callers import Caller, Role
from domain.kernel.errors import Unauthenticated
from domain.kernel.ids import CustomerId
from service.foundation.ports import TokenClaims, TokenVerifier
from service.shared.batching import Batcher
from service.shared.unit_of_work import Units

CACHE_TTL_SECONDS: Final = 2.0
"""How long a recognised caller is remembered; so long may a revoked key still work."""
MAX_CACHED: Final = 10_000
KEY_PREFIXES: Final = ("pk_", "sk_")


class Authenticator:
    """Knows keys by the hash of their secret, and people by their token."""

    def __init__(
        self, units: Units, tokens: TokenVerifier, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._units = units
        self._tokens = tokens
        self._monotonic = monotonic
        self._remembered: dict[bytes, tuple[Caller, float]] = {}
        self._known = Batcher(self._known_of_all, name=id)

    async def recognise(self, credential: str) -> Caller:
        """Raises Unknown for a key that was revoked and a token that does not hold."""
        digest = sha256(credential.encode()).digest()
        if caller := self._remembers(digest):
            return caller
        caller = await self._get_key(credential, digest)
        if len(self._remembered) >= MAX_CACHED:
            self._remembered.clear()
        self._remembered[digest] = (caller, self._monotonic() + CACHE_TTL_SECONDS)
        return caller

    def remembers(self, credential: bytes) -> Caller | None:
        """Who was recognised by it just now."""
        return self._remembers(sha256(credential).digest())

    def _remembers(self, digest: bytes) -> Caller | None:
        caller, until = self._remembered.get(digest, (None, 0.0))
        return caller if self._monotonic() < until else None

    async def _get_key(self, credential: str, digest: bytes) -> Caller:
        if not credential.startswith(KEY_PREFIXES):
            return await self._person(await self._tokens.verify(credential))
        async with self._units.read() as unit:
            key = await unit.foundation.api_keys.find_by_secret(digest)
        if key is None:
            raise Unauthenticated("This key is not known, or no longer valid.")
        return key.caller

    async def _person(self, claims: TokenClaims) -> Caller:
        if claims.role is not Role.CUSTOMER:
            return Caller(claims.role, claims.subject, stores=claims.stores, scopes=claims.scopes)
        customer = await self._known(claims)
        if customer is None:
            raise Unauthenticated(
                "The subject of this token is no customer.", code="token_subject_unknown"
            )
        return Caller(Role.CUSTOMER, customer, customer=customer)

    async def _known_of_all(self, asked: Sequence[TokenClaims]) -> list[CustomerId | None]:
        """The customer that each of these tokens speaks of, if there is one."""
        ids = {claims.customer for claims in asked if claims.customer}
        subjects = {claims.subject for claims in asked if not claims.customer}
        async with self._units.read() as unit:
            known, named = await unit.customers.customers.get_by_external_id(ids, subjects)
        return [
            (claims.customer if claims.customer in known else None)
            if claims.customer
            else named.get(claims.subject)
            for claims in asked
        ]
