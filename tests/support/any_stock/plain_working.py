"""What stores do to the plain shop: prepare pickups and hand them over, sell, take back."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from tests.support.any_stock.plain_shop import PlainShop
from tests.support.any_stock.plain_things import CLOCKS_DIFFER, Hold, No, Pickup

ENDED = {"declined", "short", "expired", "cancelled"}
MOVES = {
    "placed": {"accepted", "declined", "cancelled"},
    "accepted": {"picking", "declined", "cancelled", "short"},
    "picking": {"picking", "ready", "declined", "cancelled", "short"},
    "ready": {"ready", "collected", "expired", "cancelled"},
    "collected": set(),
    "put_back": set(),
    **{state: {"put_back"} for state in ENDED},
}


# --- pickups


def move(pickup: Pickup, state: str) -> None:
    """The step itself; one that was made before is made again where it changes nothing."""
    if state not in MOVES[pickup.state] and state != pickup.state:
        raise No("wrong_state")
    pickup.state = state


def accept(pickup: Pickup) -> None:
    move(pickup, "accepted")


def decline(
    shop: PlainShop, pickup: Pickup, skus: Sequence[str] | None, *, not_found: bool
) -> None:
    given_up = [sku for sku in pickup.lines if skus is None or sku in skus]
    goes_on = any(line.remaining for sku, line in pickup.lines.items() if sku not in given_up)
    if goes_on:
        if "declined" not in MOVES[pickup.state]:
            raise No("wrong_state")
    else:
        if "declined" not in MOVES[pickup.state] and pickup.state != "declined":
            raise No("wrong_state")
        pickup.state = "declined"
    looked_for = dict.fromkeys(pickup.lines, 0)
    for sku in given_up:
        line = pickup.lines[sku]
        looked_for[sku] = max(0, line.quantity - line.cancelled - line.picked) if not_found else 0
        line.cancel()
    miss(shop, pickup, looked_for)


def miss(shop: PlainShop, pickup: Pickup, missing: Mapping[str, int]) -> None:
    """So many of each line are not there; where nothing was found, what is free is not either."""
    for sku, line in pickup.lines.items():
        line.missing += missing[sku]
        for part, each in line.parts.items() if not line.is_kit else ():
            shop.book((pickup.store, part), -missing[sku] * each, shop.now)
    for sku, line in pickup.lines.items():
        if missing[sku] and not line.picked and not line.is_kit:
            place = (pickup.store, sku)
            shop.book(place, -max(0, shop.available(place)), shop.now)


def cancel(pickup: Pickup) -> None:
    if pickup.state == "collected":
        raise No("already_collected")
    move(pickup, "cancelled")
    for line in pickup.lines.values():
        line.cancel()


def pick(shop: PlainShop, pickup: Pickup, found: Mapping[str, tuple[int, bool]]) -> None:
    for sku, (quantity, _) in found.items():
        line = pickup.lines[sku]
        if not line.picked <= quantity <= line.quantity - line.cancelled:
            raise No("unexpected_line")
    missing = {
        sku: line.quantity - line.cancelled - found[sku][0] if found.get(sku, (0, False))[1] else 0
        for sku, line in pickup.lines.items()
    }
    goes_on = any(line.remaining > missing[sku] for sku, line in pickup.lines.items())
    start = "accepted" if pickup.state == "placed" else pickup.state
    wanted = "picking" if goes_on else "short"
    if wanted not in MOVES[start]:
        if wanted != start:
            raise No("wrong_state")
        return
    pickup.state = wanted
    for sku, line in pickup.lines.items():
        line.picked = found[sku][0] if sku in found else line.picked
        line.cancelled += missing[sku]
    miss(shop, pickup, missing)


def ready(pickup: Pickup) -> None:
    if pickup.state == "ready":
        return
    if "ready" not in MOVES[pickup.state]:
        raise No("wrong_state")
    if any(line.picked < line.remaining for line in pickup.lines.values()):
        raise No("not_all_picked")
    pickup.state = "ready"


def hand_over(shop: PlainShop, pickup: Pickup, units: Mapping[str, int] | None) -> None:
    if pickup.state == "collected":
        raise No("already_collected")
    if pickup.state != "ready":
        raise No("wrong_state")
    given = units or {sku: line.remaining for sku, line in pickup.lines.items() if line.remaining}
    if any(not 0 < count <= pickup.lines[sku].remaining for sku, count in given.items()):
        raise No("unexpected_line")
    for sku, count in given.items():
        line = pickup.lines[sku]
        line.collected += count
        for part, each in line.parts.items():
            shop.book((pickup.store, part), -count * each, shop.now)
    if not any(line.remaining for line in pickup.lines.values()):
        pickup.state = "collected"


def put_back(pickup: Pickup) -> None:
    in_vain = {sku: max(0, line.staged - line.remaining) for sku, line in pickup.lines.items()}
    if "put_back" in MOVES[pickup.state] or not any(in_vain.values()):
        move(pickup, "put_back")
    for sku, line in pickup.lines.items():
        line.put_back += in_vain[sku]


def expire(shop: PlainShop) -> None:
    for pickup in shop.pickups.values():
        late = pickup.collect_by is not None and pickup.collect_by < shop.now
        if pickup.state == "ready" and late:
            pickup.state = "expired"
            for line in pickup.lines.values():
                line.cancel()


# --- tills


@dataclass(frozen=True)
class Receipt:
    id: str
    is_sale: bool
    happened: datetime
    lines: tuple[tuple[str, int, str], ...]
    """Sku, quantity, and what becomes of what came back."""
    member: bool = False


GOODS: dict[str, tuple[int, str]] = {
    "": (-1, ""),
    "sellable": (1, ""),
    "damaged": (1, "damaged"),
    "quarantine": (1, "quarantine"),
    "missing": (0, ""),
}
"""What one unit adds to what is on hand, and in which condition."""


def till(shop: PlainShop, store: str, receipts: Sequence[Receipt], who: str) -> list[str]:
    """What the shop answers to each."""
    fresh: list[Receipt] = []
    answers = []
    for receipt in receipts:
        known = shop.receipts.get(receipt.id)
        if known is None:
            shop.receipts[receipt.id] = (store, receipt)
            fresh.append(receipt)
            answers.append("new")
        elif known[0] != store:
            answers.append("other_store")
        else:
            answers.append("duplicate" if known[1] == receipt else "id_reused")
    use_up_holds(shop, store, [one for one in fresh if one.is_sale and one.member], fresh, who)
    for receipt in fresh:
        moment = happened(shop, receipt)
        goods: Counter[str] = Counter()
        blocked: dict[str, Counter[str]] = {}
        for sku, quantity, disposition in receipt.lines:
            on_hand, condition = GOODS[disposition]
            for part, each in shop.booked(sku).items() if sku != "GHOST" else ():
                goods[part] += on_hand * each * quantity
                if condition:
                    blocked.setdefault(part, Counter())[condition] += each * quantity
        for part, on_hand in goods.items():
            place = (store, part)
            shop.book(place, on_hand, moment, blocked.get(part), is_sale=receipt.is_sale)
            if place in shop.told and moment <= shop.told[place]:
                shop.book(place, -on_hand, shop.told[place])
    return answers


def happened(shop: PlainShop, receipt: Receipt) -> datetime:
    return min(receipt.happened, shop.now)


def use_up_holds(
    shop: PlainShop, store: str, sales: Sequence[Receipt], fresh: Sequence[Receipt], who: str
) -> None:
    """What a member buys at the till is what the same person holds, unless it is being paid for."""
    parts = {part for one in fresh for sku, _, _ in one.lines for part in shop.booked(sku)}
    used: Counter[str] = Counter()
    for hold in [shop.holds[name] for name in sorted(shop.holds)] if sales else []:
        here = any((store, part) in hold.units for part in parts)
        if hold.customer != who or not hold.counts(shop.now) or hold.pinned(shop.now) or not here:
            continue
        bought: Counter[str] = Counter()
        for sale in sales:
            if happened(shop, sale) + CLOCKS_DIFFER >= hold.created:
                for sku, quantity, _ in sale.lines:
                    bought[sku] += quantity
        take_out(shop, hold, store, bought - used, used)


def take_out(
    shop: PlainShop, hold: Hold, store: str, bought: Counter[str], used: Counter[str]
) -> None:
    left, lines, units = Counter(bought), [], dict(hold.units)
    for sku, at, quantity in hold.lines:
        count = min(quantity, left[sku]) if at == store else 0
        left[sku] -= count
        used[sku] += count
        for part, each in shop.booked(sku).items() if count else ():
            units[store, part] = max(0, units.get((store, part), 0) - each * count)
        if quantity > count:
            lines.append((sku, at, quantity - count))
    if lines == hold.lines:
        return
    hold.lines, hold.units = lines, {place: count for place, count in units.items() if count}
    if not lines:
        hold.close()
