"""Rate limits: a token bucket for each caller, published in every answer.

Buckets live in each worker process: the generous limit stops one client from starving the others,
so it is not shared between workers; the strict one, which slows down guessing, is divided by them.
"""

import math
import time
from collections.abc import Callable
from typing import Final

from msgspec import Struct

from domain.kernel.errors import RateLimited

MAX_BUCKETS: Final = 100_000


class RatePolicy(Struct, frozen=True):
    """`quota` requests in `window_seconds` seconds, all of them at once if need be."""

    name: str
    quota: int
    window_seconds: int

    @property
    def per_second(self) -> float:
        return self.quota / self.window_seconds


class TokenBucket(Struct):
    tokens: float
    refilled_at: float


class RateLimiter:
    """The policies, and the remaining tokens of each caller."""

    def __init__(
        self, *policies: RatePolicy, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._policies = {policy.name: policy for policy in policies}
        self._buckets: dict[tuple[str, str], TokenBucket] = {}
        self._monotonic = monotonic

    def acquire(self, policy_name: str, caller: str) -> dict[str, str]:
        """Count one request, and return the headers that publish the limit.

        Raises:
            RateLimited: nothing is left; `facts["retry_after_s"]` is the number of seconds to wait.
        """
        policy = self._policies[policy_name]
        bucket = self._refill(policy, caller)
        if bucket.tokens < 1:
            wait = math.ceil((1 - bucket.tokens) / policy.per_second)
            raise RateLimited("Too many requests; please wait.", facts={"retry_after_s": wait})
        bucket.tokens -= 1
        return self._headers(policy, bucket)

    def headers(self, policy_name: str, caller: str) -> dict[str, str]:
        """The same headers without counting a request."""
        policy = self._policies[policy_name]
        return self._headers(policy, self._refill(policy, caller))

    def _refill(self, policy: RatePolicy, caller: str) -> TokenBucket:
        now = self._monotonic()
        bucket = self._buckets.get((policy.name, caller))
        if bucket is None:
            self._evict_full_buckets(now)
            bucket = self._buckets[policy.name, caller] = TokenBucket(policy.quota, now)
        grown = bucket.tokens + (now - bucket.refilled_at) * policy.per_second
        bucket.tokens, bucket.refilled_at = min(policy.quota, grown), now
        return bucket

    def _evict_full_buckets(self, now: float) -> None:
        """Evict full buckets: a new one is equal to them."""
        if len(self._buckets) < MAX_BUCKETS:
            return
        windows = {name: policy.window_seconds for name, policy in self._policies.items()}
        self._buckets = {
            key: bucket
            for key, bucket in self._buckets.items()
            if now - bucket.refilled_at < windows[key[0]]
        }

    @staticmethod
    def _headers(policy: RatePolicy, bucket: TokenBucket) -> dict[str, str]:
        """`RateLimit` and `RateLimit-Policy` as in draft-ietf-httpapi-ratelimit-headers."""
        missing = policy.quota - bucket.tokens
        reset = math.ceil(missing / policy.per_second)
        return {
            "RateLimit-Policy": f'"{policy.name}";q={policy.quota};w={policy.window_seconds}',
            "RateLimit": f'"{policy.name}";r={int(bucket.tokens)};t={reset}',
        }
