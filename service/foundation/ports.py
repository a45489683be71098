"""Ports of the foundation: API keys, tokens, secrets, codes and idempotency keys."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol, TypeVar, runtime_checkable

from msgspec import Struct

from domain.foundation.api_keys import ApiKey
from domain.foundation.callers import Caller, Role
from domain.kernel.errors import DomainError
from domain.kernel.ids import ApiKeyId, CartId, CustomerId, OrderId, PickupId, StoreId


class ApiKeys(Protocol):
    async def add(self, key: ApiKey, secret_hash: bytes) -> None: ...

    async def find_by_secret(self, secret_hash: bytes) -> ApiKey | None:
        """The key with this secret, unless it was revoked."""

    async def list_page(self, after: str, limit: int) -> list[ApiKey]:
        """The next `limit` keys after the id `after`, in the order they were made."""

    async def revoke(self, key: ApiKeyId, at: datetime) -> None:
        """Raises NotFound."""


class AccessDenials(Protocol):
    async def add(self, caller: Caller, operation: str, thing: str) -> None:
        """Records a request for a resource of another owner."""

    async def count(self, caller: Caller, thing: str, *, since: datetime) -> int:
        """Counts the denials of a caller for a resource since a time.

        The next count of the same caller waits until this unit ends, and includes its denials.
        """

    async def purge(self, before: datetime, limit: int) -> int:
        """Strike out up to `limit` that are older than that; how many those were."""


class TokenClaims(Struct, frozen=True):
    """The claims of a token. `customer` is set where the service's own issuer made it."""

    role: Role
    subject: str
    customer: CustomerId | None = None
    stores: frozenset[StoreId] = frozenset()
    scopes: frozenset[str] = frozenset()


@runtime_checkable
class TokenVerifier(Protocol):
    async def verify(self, token: str) -> TokenClaims:
        """Raises Unknown for a token that was not issued for us, is forged, or is over."""


@runtime_checkable
class Secrets(Protocol):
    """Secrets of keys: 256 random bits behind a prefix that names the kind."""

    def create(self, role: Role) -> str:
        """A new secret: `pk_…` for a shop's page, `sk_…` for everybody else."""

    def create_signing_secret(self) -> str:
        """A new secret that two sides share: `whsec_…`, as Standard Webhooks has it."""

    def hash(self, secret: str) -> bytes:
        """Returns the hash under which a secret is stored."""


@runtime_checkable
class Codes(Protocol):
    """Secrets that are shown once, or derived and never stored."""

    def handover_code(self, pickup: PickupId, revision: int) -> str:
        """The code that proves the right to collect; the same for the same arguments."""

    def hash(self, code: str) -> bytes:
        """Returns the keyed hash under which a code or a token is stored."""

    def cart_token(self, cart: CartId) -> str:
        """The secret that opens a guest's cart and its order; the same for the same cart."""

    def till_token(self, cart: CartId, store: StoreId, until: datetime) -> str:
        """The secret that opens a cart to the tills of a store until then."""

    def cart_from_till_token(
        self, token: str, stores: Collection[StoreId], now: datetime
    ) -> CartId | None:
        """The cart that a till's token opens in one of these stores; None when it opens none."""

    def cart_code(self, cart: CartId, until: datetime) -> str:
        """A code that a shopper shows at a till; the same for the same arguments."""

    def cart_from_token(self, token: str) -> CartId | None:
        """The cart that a token opens; None when it is none of ours."""

    def order_token(self, order: OrderId) -> str:
        """The secret of a link to a guest's order; the same for the same order."""

    def order_from_token(self, token: str) -> OrderId | None:
        """The order that a token opens; None when it is none of ours."""


T = TypeVar("T")


class IdempotencyKey(Struct):
    """An Idempotency-Key: its owner, and the digest of its request.

    `replayed` is set by `IdempotencyStore.claim` when the first answer is returned again.
    """

    principal: str
    key: str
    digest: bytes
    replayed: bool = False

    @property
    def name(self) -> tuple[str, str]:
        """The name that identifies it among all others."""
        return self.principal, self.key


class IdempotencyStore(Protocol):
    async def claim(self, key: IdempotencyKey | None, kind: type[T]) -> T | None:
        """Returns the first answer to `key`, or None where this unit claimed it; a rival waits.

        Without a key nothing is stored, and the caller does the work.

        Raises:
            KeyReused: the key belongs to a different request.
            InProgress: the first request with it is still running.
        """

    async def get_answers(
        self, keys: Sequence[IdempotencyKey], kind: type[T]
    ) -> list[T | DomainError | None]:
        """Returns the first answer to each key, its error, or None where it is new.

        It does not wait: a key in progress elsewhere is a TransactionConflict. The new keys belong
        to the unit until it ends; it must call `save_answers`.
        """

    async def save_answers(self, answers: Sequence[tuple[IdempotencyKey, object]]) -> None:
        """Stores the answers to new requests, with their effects.

        Raises:
            TransactionConflict: another request used one of the keys; the unit has done nothing.
        """

    async def save_answer(self, key: IdempotencyKey | None, value: object) -> None:
        """Remember `value` as the answer to `key`, in the same unit as its effect."""

    async def release(self, key: IdempotencyKey | None) -> None:
        """Let a claimed key be tried again, where a unit ends well without its effect."""

    async def purge(self, before: datetime, limit: int) -> int:
        """Give first answers older than that no longer, `limit` at a time; how many those were."""
