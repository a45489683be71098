"""What shoppers do to the plain shop: hold, pay, fill carts, log in, order."""

from datetime import timedelta

from tests.support.any_stock.plain_shop import PlainShop
from tests.support.any_stock.plain_things import GRACE, Cart, Hold, Line, No, Pickup, Units

FIFTEEN = timedelta(minutes=15)
WEB = "web"
"""Where carts are."""


# --- holds


def held(
    shop: PlainShop,
    lines: list[tuple[str, str, int]],
    ttl: timedelta,
    who: str | None,
    channel: str,
) -> Hold:
    if any(sku in shop.retired for sku, _, _ in lines):
        raise No("sku_retired")
    if channel not in shop.channels:
        raise No("unknown_channel")
    shop.must_serve(channel, {store for _, store, _ in lines})
    units = shop.units_of(lines)
    shop.must_be_within_limit(who, units, {})
    shop.must_cover(units, channel=channel)
    return Hold(lines, units, shop.now, shop.now + ttl, who)


def extend(shop: PlainShop, hold: Hold, ttl: timedelta) -> None:
    if not hold.counts(shop.now):
        raise No("hold_over")
    before = hold.until
    longer = max(before, min(shop.now + ttl, hold.created + timedelta(hours=1)))
    if longer != before:
        shop.must_cover(shop.tracked(hold.units), hold.units)
    hold.until = longer


def release(shop: PlainShop, hold: Hold) -> None:
    if hold.pinned(shop.now):
        raise No("hold_pinned")
    hold.close()


def pin(shop: PlainShop, hold: Hold, attempt: str, ttl: timedelta) -> None:
    if not hold.counts(shop.now):
        raise No("hold_over")
    if hold.pinned(shop.now):
        if hold.attempt != attempt:
            raise No("hold_pinned")
        return
    if hold.attempt == attempt:
        raise No("attempt_over")
    shop.must_cover(shop.tracked(hold.units), hold.units)
    left = max(GRACE, hold.until - shop.now)
    hold.attempt, hold.pinned_until = attempt, shop.now + ttl
    hold.until = shop.now + ttl + left


def unpin(shop: PlainShop, hold: Hold, attempt: str) -> None:
    if hold.pinned(shop.now) and hold.attempt == attempt:
        assert hold.pinned_until is not None
        hold.until = shop.now + (hold.until - hold.pinned_until)
        hold.pinned_until = shop.now


def sweep(shop: PlainShop) -> int:
    over = [hold for hold in shop.holds.values() if hold.open and not hold.counts(shop.now)]
    for hold in over:
        hold.close()
    return len(over)


# --- carts


def wanted_by(shop: PlainShop, cart: Cart) -> tuple[list[tuple[str, str, int]], Units]:
    lines = [(sku, store, quantity) for sku, (store, quantity) in cart.lines.items()]
    return lines, shop.units_of(lines)


def hold_of(shop: PlainShop, cart: Cart) -> Hold | None:
    """The cart's hold, if it was not closed."""
    hold = shop.holds[cart.hold] if cart.hold else None
    return hold if hold and hold.open else None


def counting(shop: PlainShop, hold: Hold | None) -> Units:
    return dict(hold.units) if hold and hold.counts(shop.now) else {}


def must_be_served(shop: PlainShop, cart: Cart, mine: Units) -> None:
    """What is held at a store may be had there, whatever was decided since."""
    shop.must_serve(WEB, {store for store, _ in cart.lines.values()}, {at for at, _ in mine})


def put(shop: PlainShop, cart: Cart, sku: str, store: str, quantity: int) -> None:
    """Set a line; none of it takes the line out."""
    if quantity and sku in shop.retired:
        raise No("sku_retired")
    if not cart.is_open:
        raise No("cart_not_open")
    lines = {**cart.lines, sku: (store, quantity)}
    if not quantity:
        del lines[sku]
    if lines == cart.lines:
        return
    if cart.hold and shop.holds[cart.hold].pinned(shop.now):
        raise No("hold_pinned")
    cart.lines = lines
    trim(shop, cart)


def trim(shop: PlainShop, cart: Cart) -> None:
    hold = hold_of(shop, cart)
    lines, wanted = wanted_by(shop, cart)
    mine = counting(shop, hold)
    left = {place: min(count, wanted.get(place, 0)) for place, count in mine.items()}
    left = {place: count for place, count in left.items() if count}
    if left:
        assert hold is not None
        if shop.covers(left, mine):
            hold.extend(FIFTEEN, shop.now)
        hold.lines, hold.units = lines, left
        return
    if hold and hold.units:
        hold.close()
    cart.hold = None


def hold_cart(shop: PlainShop, cart: Cart) -> Hold | None:
    """The cart's new hold, where it got one."""
    if not cart.is_open:
        raise No("cart_not_open")
    hold = hold_of(shop, cart)
    mine = counting(shop, hold)
    lines, wanted = wanted_by(shop, cart)
    must_be_served(shop, cart, mine)
    shop.must_be_within_limit(cart.customer, wanted, mine)
    shop.must_cover(wanted, mine, WEB)
    if hold and hold.pinned(shop.now) and hold.units != wanted:
        raise No("hold_pinned")
    if hold and mine:
        hold.lines, hold.units = lines, wanted
        hold.extend(FIFTEEN, shop.now)
        return None
    if hold and hold.units:
        hold.close()
    cart.hold = None
    if not wanted:
        return None
    return Hold(lines, wanted, shop.now, shop.now + FIFTEEN, cart.customer)


def claim(shop: PlainShop, guest: Cart, mine: Cart | None, who: str) -> None:
    """A guest logs in."""
    if not guest.is_open:
        raise No("cart_not_open")
    hold = hold_of(shop, guest)
    if mine is None:
        guest.customer = who
        if hold:
            hold.customer = who
        return
    if (mine.hold and shop.holds[mine.hold].pinned(shop.now)) or (hold and hold.pinned(shop.now)):
        raise No("hold_pinned")
    if hold and hold.units:
        hold.close()
    for sku, (store, quantity) in guest.lines.items():
        before = mine.lines.get(sku, ("", 0))[1]
        mine.lines[sku] = (store, before + quantity)
    guest.is_open = False
    trim(shop, mine)


def check_out(shop: PlainShop, cart: Cart) -> list[Pickup]:
    if not cart.lines:
        raise No("cart_empty")
    if any(sku in shop.retired for sku in cart.lines):
        raise No("retired")
    hold = hold_of(shop, cart)
    _, wanted = wanted_by(shop, cart)
    mine = counting(shop, hold)
    must_be_served(shop, cart, mine)
    shop.must_cover(wanted, mine, WEB)
    if hold and hold.units:
        hold.close()
    cart.is_open = False
    return [
        Pickup(
            store,
            {
                sku: Line(quantity, parts, is_kit=parts != {sku: 1})
                for sku, (at, quantity) in cart.lines.items()
                if at == store
                for parts in [shop.booked(sku)]
            },
        )
        for store in sorted({at for at, _ in cart.lines.values()})
    ]
