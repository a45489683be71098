"""Ports of the foundation: API keys, tokens, secrets, codes and idempotency keys."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol, TypeVar, runtime_checkable

from msgspec import Struct

from domain.foundation.api_keys import Key
from domain.foundation.callers import Caller, Role
from domain.kernel.errors import Refusal
from domain.kernel.ids import CartId, CustomerId, KeyId, OrderId, PickupId, StoreId


class Keys(Protocol):
    async def add(self, key: Key, secret_hash: bytes) -> None: ...

    async def by_secret(self, secret_hash: bytes) -> Key | None:
        """The key with this secret, unless it was revoked."""

    async def page(self, after: str, limit: int) -> list[Key]:
        """The next `limit` keys after the id `after`, in the order they were made."""

    async def revoke(self, key: KeyId, at: datetime) -> None:
        """Raises Missing."""


class Trespasses(Protocol):
    async def note(self, caller: Caller, operation: str, thing: str) -> None:
        """Write down that somebody asked for what is not theirs."""

    async def count(self, caller: Caller, thing: str, *, since: datetime) -> int:
        """How often a caller asked for that since then.

        The same caller's next question waits until this unit ends, and sees what it notes.
        """

    async def forget(self, before: datetime, limit: int) -> int:
        """Strike out up to `limit` that are older than that; how many those were."""


class Claims(Struct, frozen=True):
    """What a token says of its bearer. `customer` is set where our own issuer made it."""

    role: Role
    subject: str
    customer: CustomerId | None = None
    stores: frozenset[StoreId] = frozenset()
    scopes: frozenset[str] = frozenset()


@runtime_checkable
class Tokens(Protocol):
    async def read(self, token: str) -> Claims:
        """Raises Unknown for a token that was not issued for us, is forged, or is over."""


@runtime_checkable
class Secrets(Protocol):
    """Secrets of keys: 256 random bits behind a prefix that tells the kind."""

    def make(self, role: Role) -> str:
        """A new secret: `pk_…` for a shop's page, `sk_…` for everybody else."""

    def for_signing(self) -> str:
        """A new secret that two sides share: `whsec_…`, as Standard Webhooks has it."""

    def hash(self, secret: str) -> bytes:
        """Under which a secret is kept."""


@runtime_checkable
class Codes(Protocol):
    """Secrets that are shown once, or derived and never stored."""

    def handover(self, pickup: PickupId, revision: int) -> str:
        """The code that proves the right to collect; the same for the same arguments."""

    def hash(self, code: str) -> bytes:
        """The keyed hash under which a code or a token is kept."""

    def cart_token(self, cart: CartId) -> str:
        """The secret that opens a guest's cart and its order; the same for the same cart."""

    def till_token(self, cart: CartId, store: StoreId, until: datetime) -> str:
        """The secret that opens a cart to the tills of a store until then."""

    def opened_at(self, token: str, stores: Collection[StoreId], now: datetime) -> CartId | None:
        """The cart that a till's token opens in one of these stores; None when it opens none."""

    def cart_code(self, cart: CartId, until: datetime) -> str:
        """A code that a shopper shows at a till; the same for the same arguments."""

    def opened_by(self, token: str) -> CartId | None:
        """The cart that a token opens; None when it is none of ours."""

    def order_token(self, order: OrderId) -> str:
        """The secret of a link to a guest's order; the same for the same order."""

    def order_opened_by(self, token: str) -> OrderId | None:
        """The order that a token opens; None when it is none of ours."""


T = TypeVar("T")


class RequestKey(Struct):
    """An Idempotency-Key: whose, and what was asked with it.

    `replayed` is set by `Requests.claim` when the first answer is given again.
    """

    principal: str
    key: str
    digest: bytes
    replayed: bool = False

    @property
    def name(self) -> tuple[str, str]:
        """What tells it from all others."""
        return self.principal, self.key


class Requests(Protocol):
    async def claim(self, key: RequestKey | None, kind: type[T]) -> T | None:
        """The first answer to `key`, or None: then the work is ours. A rival waits here.

        Without a key there is nothing to remember, and the work is ours.

        Raises:
            KeyReused: the key already stands for a different request.
            InProgress: the first request with it is still running.
        """

    async def firsts(self, keys: Sequence[RequestKey], kind: type[T]) -> list[T | Refusal | None]:
        """The first answer to each, the refusal, or None where nobody has asked it yet.

        Nobody waits: what is under way elsewhere is GaveWay. The others are ours until the unit
        ends, and whoever then does the work must `remember` its answers in it.
        """

    async def remember(self, answers: Sequence[tuple[RequestKey, object]]) -> None:
        """Keep the answers to requests that nobody had asked before, with their effects.

        Raises:
            GaveWay: somebody has asked one of them meanwhile; the unit has done nothing.
        """

    async def answer(self, key: RequestKey | None, value: object) -> None:
        """Remember `value` as the answer to `key`, in the same unit as its effect."""

    async def withdraw(self, key: RequestKey | None) -> None:
        """Let a claimed key be tried again, where a unit ends well without its effect."""

    async def forget(self, before: datetime, limit: int) -> int:
        """Give first answers older than that no longer, `limit` at a time; how many those were."""
