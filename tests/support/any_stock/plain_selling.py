"""Through which channels the plain shop sells, what it tells of a number, and how it closes."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from tests.support.any_stock.plain_shop import PlainShop
from tests.support.any_stock.plain_things import Channel, Consignment, No
from tests.support.any_stock.plain_working import ENDED

UNDER_WAY = {"placed", "accepted", "picking", "ready"}


# --- channels


def decide(shop: PlainShop, name: str, policy: Channel) -> None:
    own = shop.channels[name].buffers if name in shop.channels else {}
    shop.channels[name] = Channel(policy.buffer, policy.quantities, policy.most, policy.low_at, own)


def keep_back(shop: PlainShop, name: str, lines: Sequence[tuple[str, int | None]]) -> list[str]:
    if name not in shop.channels:
        raise No("unknown_channel")
    own = shop.channels[name].buffers
    answers = []
    for sku, buffer in lines:
        answers.append("unchanged" if own.get(sku) == buffer else "applied")
        own.pop(sku, None)
        if buffer is not None:
            own[sku] = buffer
    return answers


def shown(terms: Channel, units: int) -> int | None:
    if terms.quantities == "hidden":
        return None
    return min(units, terms.most) if terms.quantities == "capped" else units


def told(shop: PlainShop, name: str, sku: str, by: date) -> Any:
    """Of one sku through a channel: what can be sent, what is where, and what can be promised."""
    stores = sorted(shop.stores)
    now = {store: units(shop, name, sku, store) for store in stores}
    then = {store: units(shop, name, sku, store, by) for store in stores}
    here = {store: _told_there(shop, name, sku, store, now[store]) for store in stores}
    total = None if None in now.values() else sum(n or 0 for n in now.values())
    promised = None if None in then.values() else sum(n or 0 for n in then.values())
    terms = shop.channels[name]
    return (
        offer(shop, terms, sku, total),
        here,
        promisable(shop, terms, sku, promised),
        {store: promisable(shop, terms, sku, then[store]) for store in stores},
    )


def units(shop: PlainShop, name: str, sku: str, store: str, by: date | None = None) -> int | None:
    """Whole units that can be sold there, with what is due until a day; None of what never ends."""
    today = shop.today

    def is_due(one: Consignment) -> bool:
        return by is not None and one.due_on is not None and today <= one.due_on <= by

    found = [
        shop.sellable((store, part), name, due=shop.incoming((store, part), is_due)) // each
        for part, each in shop.parts(sku).items()
    ]
    return min(found) if found else None


def offer(shop: PlainShop, terms: Channel, sku: str, units: int | None) -> Any:
    if sku in shop.retired:
        units = 0
    if units is None:
        return "in_stock", None
    status = "low_stock" if units <= terms.low_at else "in_stock"
    return status if units > 0 else "out_of_stock", shown(terms, units)


def _told_there(shop: PlainShop, name: str, sku: str, store: str, units: int | None) -> Any:
    serves = shop.stores[store].serves(name)
    status, quantity = offer(shop, shop.channels[name], sku, units if serves else 0)
    eligible = serves and sku not in shop.retired and status != "out_of_stock"
    return status, quantity, eligible


def promisable(shop: PlainShop, terms: Channel, sku: str, units: int | None) -> Any:
    return "nothing" if units is None or sku in shop.retired else shown(terms, units)


# --- closing


def left_at(shop: PlainShop, store: str) -> tuple[int, int, int]:
    """Orders, holds and transfers that are open there."""
    here = [one for one in shop.pickups.values() if one.store == store]
    to_put_back = [
        one
        for one in here
        if one.state in ENDED and any(line.staged and line.parts for line in one.lines.values())
    ]
    return (
        len([one for one in here if one.state in UNDER_WAY]) + len(to_put_back),
        len([one for one in shop.holds.values() if any(at == store for at, _ in one.units)]),
        len(
            [one for one in shop.transfers.values() if one.destination == store and not one.closed]
        ),
    )


def disable(shop: PlainShop, store: str, *, drain: bool) -> tuple[str, tuple[int, int, int]]:
    location, left = shop.stores[store], left_at(shop, store)
    if not any(left) or location.state == "closed":
        location.state = "closed"
    elif drain:
        location.state = "draining"
    else:
        raise No("store_in_use")
    return location.state, left


def close_drained(shop: PlainShop) -> int:
    drained = [
        location
        for store, location in shop.stores.items()
        if location.state == "draining" and not any(left_at(shop, store))
    ]
    for location in drained:
        location.state = "closed"
    return len(drained)
