"""Sales channels, such as the web, the app or a market place, and the stock each may sell.

A channel sells from every location that serves it, less its buffer, the units it reserves at each.
A till is no such channel: the goods it sells are in the customer's hand.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import replace

from domain.inventory.availability import AvailableQuantities, StockDisplayPolicy
from domain.inventory.stock_levels import StockKey, StockLevel
from domain.kernel.errors import Conflict, Invalid, InvalidField, NotFound
from domain.kernel.ids import CHANNEL_PATTERN, ChannelId, Sku, StoreId
from domain.stores.stores import Store

Buffer = Annotated[int, Meta(ge=0, le=10**9)]
"""The buffer: units that a channel does not sell at each location."""


class ChannelNotFound(NotFound):
    code = "unknown_channel"

    def __init__(self, channel: ChannelId) -> None:
        super().__init__(f"There is no channel {channel!r}.", facts={"channel": channel})


class UnknownChannel(Invalid):
    """A channel named in the input; `where` is the path of the field, for the sender."""

    code = "unknown_channel"

    def __init__(self, channel: ChannelId, where: Mapping[str, str]) -> None:
        detail = f"There is no channel {channel!r}."
        error = {**where, "code": self.code, "detail": detail}
        super().__init__(detail, errors=[error], facts={"channel": channel})


class ChannelNotServed(Conflict):
    """Locations that sell nothing new through a channel, each with its reason."""

    code = "not_served"

    def __init__(self, channel: ChannelId, stores: Iterable[Store]) -> None:
        errors = [
            {"store": one.store, "code": one.find_unavailable_reason(channel)} for one in stores
        ]
        names = ", ".join(error["store"] or "" for error in errors)
        super().__init__(
            f"Nothing can be had through {channel} from {names}.",
            errors=errors,
            facts={"channel": channel},
        )


class ChannelPolicy(Struct, frozen=True):
    """The buffer of a channel, and the precision with which it shows quantities.

    None means the installation's setting.
    """

    buffer: Buffer = 0
    quantities: AvailableQuantities | None = None
    most: Annotated[int, Meta(ge=1, le=10**9)] | None = None
    low_at: Annotated[int, Meta(ge=0, le=10**9)] | None = None

    def to_display_policy(self, usual: StockDisplayPolicy) -> StockDisplayPolicy:
        return replace(
            usual,
            low_stock_threshold=usual.low_stock_threshold if self.low_at is None else self.low_at,
            display=self.quantities or usual.display,
            max_quantity=self.most or usual.max_quantity,
        )


class SalesChannel(Struct, frozen=True):
    channel: ChannelId
    policy: ChannelPolicy = ChannelPolicy()

    def __post_init__(self) -> None:
        if not re.match(CHANNEL_PATTERN, self.channel):
            rule = "must be 1 to 64 small letters, digits, - and _, and begin with none of the two"
            raise InvalidField("channel", "pattern", rule)


class ChannelTerms(Struct, frozen=True):
    """A channel's policy, the buffers of single SKUs, and the locations that do not serve it."""

    policy: ChannelPolicy = ChannelPolicy()
    buffers: Mapping[Sku, int] = {}
    limited: frozenset[StoreId] = frozenset()

    def apply_to_all(self, levels: Mapping[StockKey, StockLevel]) -> Mapping[StockKey, StockLevel]:
        """The stock levels as the channel sees them."""
        if not (self.policy.buffer or self.buffers or self.limited):
            return levels
        return {place: self.apply_to(level) for place, level in levels.items()}

    def apply_to(self, level: StockLevel) -> StockLevel:
        buffer = self.buffers.get(level.sku, self.policy.buffer)
        return replace(level, buffer=buffer, serves=level.store not in self.limited)


class SkuBuffer(Struct, frozen=True, forbid_unknown_fields=True):
    """The buffer of one SKU in a channel, in place of the channel's; null takes it away."""

    sku: Sku
    buffer: Buffer | None


class BufferResult(Struct, frozen=True, omit_defaults=True):
    """The outcome of a line; `code` and `detail` are the reason of a refusal."""

    status: Literal["applied", "unchanged", "rejected"]
    code: str | UnsetType = UNSET
    detail: str | UnsetType = UNSET


def ensure_served(
    channel: ChannelId, stores: Iterable[Store], held_at: Collection[StoreId] = ()
) -> None:
    """Checks the locations; units already held at one may still be had there.

    Raises:
        ChannelNotServed: there are others that sell nothing new through the channel.
    """
    others = [one for one in stores if not one.serves(channel) and one.store not in held_at]
    if others:
        raise ChannelNotServed(channel, sorted(others, key=lambda one: one.store))
