"""What keepers of stock tell the plain shop: they adjust, count, send, expect, and keep back."""

from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from math import ceil

from tests.support.any_stock.plain_shop import PlainShop
from tests.support.any_stock.plain_things import THERE, Consignment, Location, No, Place

WEEKS = 8


# --- stocktaking


def adjust(
    shop: PlainShop,
    place: Place,
    said: tuple[str, int, str | None],
    happened: datetime,
    reference: str,
) -> str:
    reason, delta, condition = said
    blocks = {"blocked": 1, "unblocked": -1}.get(reason, 0)
    change = {condition: delta} if condition else {}
    if blocks:
        change = {condition or "quality_check": blocks * delta}
    told = (reason, delta, change)
    if reference and (reference, place) in shop.references:
        first = shop.references[reference, place]
        return "duplicate" if first == told else "reference_reused"
    there = shop.conditions(place)
    if any(there[name] + count < 0 for name, count in change.items()):
        return "not_blocked"
    on_hand, moment = 0 if blocks else delta, min(happened, shop.now)
    shop.book(place, on_hand, moment, change)
    if place in shop.told and moment <= shop.told[place]:
        shop.book(place, -on_hand, shop.told[place])
    if reference:
        shop.references[reference, place] = told
    return "applied"


def set_to(shop: PlainShop, place: Place, on_hand: int) -> str:
    shop.book(place, on_hand - shop.level(place).on_hand, shop.now)
    tell(shop, place, shop.now)
    return "applied"


def count(shop: PlainShop, place: Place, counted: int, at: datetime) -> str:
    as_of = min(at, shop.now)
    if place in shop.told and (as_of <= shop.told[place] or shop.said.get(place) == at):
        return "duplicate"
    recount(shop, place, counted, as_of)
    shop.said[place] = at
    return "applied"


def bring_in(
    shop: PlainShop, place: Place, on_hand: int, safety: int | None, at: datetime | None
) -> None:
    line = (on_hand, safety, at)
    is_old = at is not None and place in shop.told and at < shop.told[place]
    if shop.files.get(place) == line or is_old:
        return
    recount(shop, place, on_hand, min(at or shop.now, shop.now))
    shop.files[place] = line
    if safety is not None:
        shop.safety[place] = safety
        shop.raised.pop(place, None)


def recount(shop: PlainShop, place: Place, counted: int, at: datetime) -> None:
    since = sum(e.on_hand for e in shop.ledger if e.place == place and e.happened > at)
    shop.book(place, counted + since - shop.level(place).on_hand, at)
    tell(shop, place, at)


def tell(shop: PlainShop, place: Place, at: datetime) -> None:
    shop.told[place] = max(at, shop.told.get(place, at))
    shop.said.pop(place, None)


# --- what comes


def send(shop: PlainShop, transfer: Consignment) -> Consignment:
    if shop.stores[transfer.destination].state != "active":
        raise No("store_disabled")
    for sku, count in transfer.sent.items():
        if max(0, shop.available((transfer.origin, sku))) < count:
            raise No("insufficient_stock")
    for sku, count in transfer.sent.items():
        shop.book((transfer.origin, sku), -count, shop.now)
    return transfer


def receive(shop: PlainShop, what: Consignment, totals: Mapping[str, int], *, last: bool) -> None:
    """Of a transfer no more comes than was sent; of a delivery what comes, if it was expected."""
    if what.origin and any(total > what.sent.get(sku, 0) for sku, total in totals.items()):
        raise No("not_sent")
    if any(sku not in what.sent for sku in totals):
        raise No("not_expected")
    more = {sku: max(0, total - what.received[sku]) for sku, total in totals.items()}
    if what.closed:
        if any(more.values()):
            raise No("transfer_closed" if what.origin else "delivery_closed")
        return
    for sku, count in more.items():
        what.received[sku] += count
        shop.book((what.destination, sku), count, shop.now)
    what.closed = last or not any(what.missing(sku) for sku in what.sent)


def put_off(delivery: Consignment, due_on: date) -> None:
    if delivery.closed and delivery.due_on != due_on:
        raise No("delivery_closed")
    delivery.due_on = due_on


def cancel(delivery: Consignment) -> None:
    if delivery.cancelled:
        return
    if delivery.closed:
        raise No("delivery_closed")
    if any(delivery.received.values()):
        raise No("already_received")
    delivery.closed = delivery.cancelled = True


# --- walk-ins


def decide(location: Location, *, active: bool, floor: int, cap: int) -> None:
    location.walk_ins, location.kept_for = (active, floor, cap), None


def keep_back(shop: PlainShop) -> None:
    """In every store whose hour has begun."""
    hour = shop.now.astimezone(THERE).replace(minute=0, second=0, microsecond=0, tzinfo=None)
    for store in shop.stores:
        if has_turn(shop, store, hour):
            keep_back_in(shop, store, hour)


def has_turn(shop: PlainShop, store: str, hour: datetime) -> bool:
    location = shop.stores[store]
    if location.walk_ins is None or location.kept_for == hour:
        return False
    return location.walk_ins[0] or any(at == store for at, _ in shop.raised)


def keep_back_in(shop: PlainShop, store: str, hour: datetime) -> None:
    location = shop.stores[store]
    assert location.walk_ins
    active, floor, cap = location.walk_ins
    location.kept_for = hour
    shop.raised = {place: kept for place, kept in shop.raised.items() if place[0] != store}
    for sku, walk_ins in sold_in(shop, store, hour).items() if active else ():
        kept = min(cap, max(floor, walk_ins))
        if kept > shop.safety.get((store, sku), 0):
            shop.raised[store, sku] = kept


def sold_in(shop: PlainShop, store: str, hour: datetime) -> dict[str, int]:
    """On the average of those of the last weeks in which the store sold anything in that hour."""
    sold: Counter[str] = Counter()
    weeks = set()
    for week in range(1, WEEKS + 1):
        since = (hour - timedelta(weeks=week)).replace(tzinfo=THERE).astimezone(shop.now.tzinfo)
        for entry in shop.ledger:
            in_hour = since <= entry.happened < since + timedelta(hours=1)
            if entry.is_sale and entry.place[0] == store and in_hour:
                sold[entry.place[1]] -= entry.on_hand
                weeks.add(week)
    return {sku: ceil(units / len(weeks)) for sku, units in sold.items()}
