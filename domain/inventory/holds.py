"""Holds: claims on stock before there is an order, for a limited time up to a ceiling.

    active ⇄ pinned → converted (it became an order)
       ↓ ↘
    released (given up) | expired (its time is over)

While a payment is under way its hold is pinned: it is not over before the payment is, its shopper
cannot release it, and a till sale does not use it. A pin ends with its payment, or by itself at its
deadline; the hold then counts for the time that was left when the pin began, or for GRACE if that
is more.

A hold counts until `held_until` and not an instant longer, whether or not it was swept. It is all
lines or none, in one store or in several. Own holds never count against their owner.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Final

from msgspec import Meta, Struct, structs

from domain.inventory.stock_levels import StockDelta, StockKey
from domain.kernel.errors import Conflict
from domain.kernel.ids import WEB, CartId, ChannelId, CustomerId, HoldId, Sku, StoreId

DEFAULT_TTL: Final = timedelta(minutes=15)
MAX_TTL: Final = timedelta(minutes=60)
"""The ceiling from its beginning; activity extends a hold up to here, against hoarding."""
GRACE_PERIOD: Final = timedelta(minutes=5)
"""At least so long a hold counts after a payment failed, so that another can be tried."""
MAX_LINES: Final = 50


class HoldState(StrEnum):
    ACTIVE = "active"
    PINNED = "pinned"
    CONVERTED = "converted"
    RELEASED = "released"
    EXPIRED = "expired"


class HoldLine(Struct, frozen=True, forbid_unknown_fields=True):
    """Units of one SKU, as it is sold, in one store."""

    sku: Sku
    store: StoreId
    quantity: Annotated[int, Meta(ge=1, le=999)]


class HoldEnded(Conflict):
    code = "hold_over"

    def __init__(self, hold: "Hold", now: datetime) -> None:
        state = hold.state_at(now).value
        super().__init__(f"This hold is {state}.", facts={"state": state})


class HoldPinned(Conflict):
    code = "hold_pinned"

    def __init__(self, pinned_until: datetime) -> None:
        super().__init__(
            "A payment for what is held here is under way.", facts={"pinned_until": pinned_until}
        )


class PaymentAttemptEnded(Conflict):
    code = "attempt_over"

    def __init__(self, attempt: str) -> None:
        super().__init__(f"The attempt {attempt!r} has ended; a new one needs a name of its own.")


class HoldLimitExceeded(Conflict):
    code = "hold_limit"

    def __init__(self, sku: Sku, held: int, wanted: int, limit: int) -> None:
        super().__init__(
            f"One customer may hold {limit} of {sku} at a time.",
            facts={"sku": sku, "held": held, "wanted": wanted, "limit": limit},
        )


class Hold(Struct, frozen=True):
    """`units` are the stock claimed: of a kit, its parts. `channel` sells them.

    `attempt` is the payment that pins it, or the last that did. Pinned is not a stored state: an
    active hold is pinned until `pinned_until`.
    """

    id: HoldId
    state: HoldState
    lines: list[HoldLine]
    units: dict[str, dict[Sku, int]]
    created_at: datetime
    held_until: datetime
    customer: CustomerId | None = None
    cart: CartId | None = None
    attempt: str = ""
    pinned_until: datetime | None = None
    channel: ChannelId = WEB

    @classmethod
    def grant(
        cls,
        id: HoldId,  # noqa: A002 - the name of the field
        lines: list[HoldLine],
        places: Mapping[StockKey, int],
        *,
        ttl: timedelta,
        now: datetime,
        **owner: Any,
    ) -> "Hold":
        """Returns a new active hold; `owner` are its customer, cart and channel."""
        units, until = group_by_store(places), now + ttl
        return cls(id, HoldState.ACTIVE, lines, units, now, until, **owner)

    def state_at(self, now: datetime) -> HoldState:
        """The state at `now`; an active hold is over the instant its time is."""
        if self.state is not HoldState.ACTIVE:
            return self.state
        if self.held_until <= now:
            return HoldState.EXPIRED
        is_pinned = self.pinned_until is not None and now < self.pinned_until
        return HoldState.PINNED if is_pinned else HoldState.ACTIVE

    def is_effective_at(self, now: datetime) -> bool:
        return self.state_at(now) in {HoldState.ACTIVE, HoldState.PINNED}

    @property
    def units_by_key(self) -> dict[StockKey, int]:
        """Units claimed at each place while it counts."""
        return {
            (store, sku): count for store, skus in self.units.items() for sku, count in skus.items()
        }

    def extend(self, ttl: timedelta, now: datetime) -> "Hold":
        """Held for `ttl` from now, never less than before, never beyond the ceiling.

        Raises:
            HoldEnded: it does not count any more.
        """
        if not self.is_effective_at(now):
            raise HoldEnded(self, now)
        until = max(min(now + ttl, self.created_at + MAX_TTL), self.held_until)
        return structs.replace(self, held_until=until)

    def pin(self, attempt: str, ttl: timedelta, now: datetime) -> "Hold":
        """Pinned while `attempt` takes the money, for `ttl` at most; a repeat changes nothing.

        Raises:
            HoldEnded: it does not count any more.
            HoldPinned: another attempt is under way; it has to end first, where the money is taken.
            PaymentAttemptEnded: this one was unpinned, or its deadline is past.
        """
        if not self.is_effective_at(now):
            raise HoldEnded(self, now)
        if self.state_at(now) is HoldState.PINNED:
            if self.attempt != attempt:
                self.ensure_not_pinned(now)
            return self
        if self.attempt == attempt:
            raise PaymentAttemptEnded(attempt)
        until, left = now + ttl, self.held_until - now
        return structs.replace(
            self, attempt=attempt, pinned_until=until, held_until=until + max(left, GRACE_PERIOD)
        )

    def unpin(self, attempt: str, now: datetime) -> "Hold":
        """`attempt` has ended; one that does not pin it, or no longer, changes nothing."""
        if self.state_at(now) is not HoldState.PINNED or self.attempt != attempt:
            return self
        assert self.pinned_until is not None
        left = self.held_until - self.pinned_until
        return structs.replace(self, pinned_until=now, held_until=now + left)

    def ensure_not_pinned(self, now: datetime) -> None:
        """Raises HoldPinned."""
        if self.state_at(now) is HoldState.PINNED:
            assert self.pinned_until is not None
            raise HoldPinned(self.pinned_until)

    def with_lines(self, lines: list[HoldLine], places: Mapping[StockKey, int]) -> "Hold":
        """The same hold on other lines."""
        return structs.replace(self, lines=lines, units=group_by_store(places))

    def units_at(self, store: StoreId) -> Counter[Sku]:
        """Units of its lines at `store`, as they are sold."""
        units = Counter[Sku]()
        for line in self.lines:
            units[line.sku] += line.quantity if line.store == store else 0
        return units

    def without_purchased(
        self, store: StoreId, bought: Mapping[Sku, int], parts: Mapping[Sku, Mapping[Sku, int]]
    ) -> "Hold":
        """The hold without the units of its lines that its owner bought at the till of `store`."""
        lines, left, places = [], dict(bought), dict(self.units_by_key)
        for line in self.lines:
            count = min(line.quantity, left.get(line.sku, 0)) if line.store == store else 0
            left[line.sku] = left.get(line.sku, 0) - count
            for part, each in parts.get(line.sku, {}).items() if count else ():
                places[store, part] = max(0, places.get((store, part), 0) - each * count)
            if line.quantity > count:
                lines.append(structs.replace(line, quantity=line.quantity - count))
        return self.with_lines(lines, {place: count for place, count in places.items() if count})

    def close(self, state: HoldState) -> "Hold":
        """It ends for one reason, once; a closed one stays as it is."""
        if self.state is not HoldState.ACTIVE:
            return self
        return structs.replace(self, state=state)


def to_deltas(places: Mapping[StockKey, int], sign: int = 1) -> list[StockDelta]:
    """The change by a hold of the units held at each place; `sign` -1 subtracts it."""
    return [
        StockDelta(store, sku, held=sign * count) for (store, sku), count in sorted(places.items())
    ]


def delta_between(
    before: Mapping[StockKey, int], after: Mapping[StockKey, int]
) -> list[StockDelta]:
    """The difference of the units held at each place; empty where there is none."""
    places = sorted(before.keys() | after.keys())
    more = {place: after.get(place, 0) - before.get(place, 0) for place in places}
    return to_deltas({place: count for place, count in more.items() if count})


def ensure_within_limit(
    places: Mapping[StockKey, int], held: Callable[[Sku], int], limit: int
) -> None:
    """Checks that a customer may hold the units at `places` besides those `held` of a SKU.

    Raises:
        HoldLimitExceeded: it would be more than `limit` units of a SKU.
    """
    wanted = Counter[Sku]()
    for (_, sku), count in places.items():
        wanted[sku] += count
    for sku, count in sorted(wanted.items()):
        if held(sku) + count > limit:
            raise HoldLimitExceeded(sku, held(sku), count, limit)


def group_by_store(places: Mapping[StockKey, int]) -> dict[str, dict[Sku, int]]:
    """Places as they are stored with a hold: by store, then by SKU."""
    units: dict[str, dict[Sku, int]] = {}
    for (store, sku), count in sorted(places.items()):
        units.setdefault(store, {})[sku] = count
    return units


def units_by_key(
    lines: Iterable[HoldLine], parts: Mapping[Sku, Mapping[Sku, int]]
) -> dict[StockKey, int]:
    """The stock that lines claim, summed: two lines of one SKU are checked together."""
    places: dict[StockKey, int] = {}
    for line in lines:
        for sku, each in parts[line.sku].items():
            place = (line.store, sku)
            places[place] = places.get(place, 0) + each * line.quantity
    return places
