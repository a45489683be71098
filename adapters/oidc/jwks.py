"""The key set (JWKS) of an identity provider, fetched on demand and cached."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

import httpx
import jwt

from domain.kernel.errors import Unavailable

CACHE_TTL_SECONDS: Final = 600.0
"""After so long the keys are asked for again, so that a withdrawn one stops working."""
TIMEOUT_SECONDS: Final = 60.0
"""Between two fetches for keys we do not know; strangers' tokens cause no traffic."""


class JwksCache:
    """Keys by their id. The address is found through the issuer's discovery page if not given."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        *,
        issuer: str,
        url: str = "",
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._issuer = issuer
        self._url = url
        self._monotonic = monotonic
        self._keys: dict[str | None, jwt.PyJWK] = {}
        self._fetched_at = -CACHE_TTL_SECONDS
        self._attempted_at = -TIMEOUT_SECONDS
        self._lock = asyncio.Lock()

    async def get(self, kid: str | None) -> jwt.PyJWK:
        """The key `kid`; where a provider has a single key, a token need not name it.

        Raises:
            jwt.InvalidKeyError: the provider has no such key.
            Unavailable: we have no keys yet, and the provider does not answer.
        """
        if self._monotonic() - self._fetched_at >= CACHE_TTL_SECONDS or self._lookup(kid) is None:
            await self._refresh(kid)
        key = self._lookup(kid)
        if key is None:
            raise jwt.InvalidKeyError
        return key

    def _lookup(self, kid: str | None) -> jwt.PyJWK | None:
        if kid is None and len(self._keys) == 1:
            return next(iter(self._keys.values()))
        return self._keys.get(kid)

    async def _refresh(self, kid: str | None) -> None:
        """Fetches the keys, unless another task has just done so."""
        async with self._lock:
            now = self._monotonic()
            fresh = now - self._fetched_at < CACHE_TTL_SECONDS
            patience = TIMEOUT_SECONDS if self._keys else 1.0  # without keys every token is refused
            if now - self._attempted_at >= patience and not (fresh and self._lookup(kid)):
                self._attempted_at = now
                with suppress(httpx.HTTPError, ValueError, KeyError, TypeError, jwt.PyJWTError):
                    self._keys = await self._fetch()
                    self._fetched_at = now
        if not self._keys:
            raise Unavailable("The identity provider does not answer.")

    async def _fetch(self) -> dict[str | None, jwt.PyJWK]:
        if not self._url:
            page = await self._get(f"{self._issuer.rstrip('/')}/.well-known/openid-configuration")
            self._url = str(page["jwks_uri"])
        keys = jwt.PyJWKSet.from_dict(await self._get(self._url)).keys
        return {key.key_id: key for key in keys if key.public_key_use in {None, "sig"}}

    async def _get(self, url: str) -> Any:
        response = await self._client.get(url, timeout=5.0, follow_redirects=False)
        response.raise_for_status()
        return response.json()
