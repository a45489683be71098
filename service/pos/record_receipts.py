"""What tills tell: batches of receipts, booked as the facts they are, each answered on its own.

New receipts are written and known ones skipped; goods, incidents and points of the whole batch
then move in one unit by a handful of statements. In whatever order, split or doubled receipts
come, the shop ends up the same.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType

from domain.catalogue.products import Made
from domain.foundation.callers import Caller, NotYours
from domain.inventory.availability import all_parts
from domain.inventory.holds import Hold, HoldState, difference
from domain.inventory.stock_levels import Cause, Move, Source, moves_of
from domain.inventory.stocktaking import already_counted
from domain.kernel.errors import Refusal
from domain.kernel.ids import MemberId, ReceiptId, Sku, StoreId
from domain.kernel.timestamps import happened_at
from domain.loyalty.points import Purchase
from domain.pos.incidents import strangers
from domain.pos.receipts import (
    Book,
    Discrepancy,
    IdReused,
    Kept,
    OtherStore,
    Receipt,
    ReceiptKind,
    parts_returned,
    source_of,
)
from service.inventory.stocktaking import CLOCKS_DIFFER
from service.returns.till_returns import Noted, note_returns
from service.shared.retry import tried_again
from service.shared.unit_of_work import Unit, Units

Told = Receipt | Refusal


class Earned(Struct, frozen=True):
    """Points that a sale gave, and what its member can spend now."""

    earned: int
    balance: int


class Result(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of a receipt. `conflicts` did not fit, and were applied all the same.

    `pending_match`: the goods are booked; money and points wait for the sale that was named.
    """

    id: str | UnsetType = UNSET
    status: Literal["applied", "duplicate", "pending_match", "rejected"]
    conflicts: list[Discrepancy]
    code: str | UnsetType = UNSET
    detail: str | UnsetType = UNSET
    points: Earned | UnsetType = UNSET


class Facts(Struct, frozen=True):
    """What the receipts of a batch are about; `unknown` is what they name and nobody sells."""

    called: Mapping[str, Sku]
    made: Mapping[Sku, Made]
    unknown: frozenset[str]
    members: Mapping[str, MemberId]

    def member_of(self, book: Book) -> MemberId | None:
        return self.members.get(book.receipt.member or "")


@tried_again
async def record(
    units: Units, *, caller: Caller, store: StoreId, receipts: Sequence[Told]
) -> list[Result]:
    """Book what a store's tills sold and took back. Nothing that happened is refused.

    A receipt that is known is a `duplicate` and changes nothing, in this batch or in a later one.

    Raises:
        StoreMissing, NotYours: no store of the caller's.
    """
    if not caller.works_at(store):
        raise NotYours(caller, store)
    ours = [one for one in receipts if isinstance(one, Receipt) and one.store in {None, store}]
    firsts = {one.id: one for one in reversed(ours)}
    async with units.begin() as unit:
        await unit.stores.get(store)
        facts = await _facts(unit, firsts)
        books = {one.id: _book(one, store, caller, facts, unit) for one in firsts.values()}
        new = await unit.sales.record(list(books.values())) if books else set()
        fresh = [book for book in books.values() if book.receipt.id in new]
        kept = await _kept(unit, books, new)
        await _move_goods(unit, fresh, facts)
        noted = await note_returns(unit, fresh)
        earned = await _move_points(unit, fresh, facts, noted)
    unfit = noted.conflicts
    answers = _Answers(store, {id_: books[id_] for id_ in new}, kept, facts, earned, unfit)
    return [answers.to(one) for one in receipts]


async def _facts(unit: Unit, receipts: Mapping[ReceiptId, Receipt]) -> Facts:
    lines = [line for receipt in receipts.values() for line in receipt.lines]
    gtins = {line.name for line in lines if line.sku is None}
    called = await unit.products.called(gtins) if gtins else {}
    named = {line.sku for line in lines if line.sku is not None}
    skus = named | set(called.values())
    made = await unit.products.made_of(skus) if skus else {}
    said = {receipt.member for receipt in receipts.values() if receipt.member is not None}
    return Facts(
        called,
        made,
        frozenset((named | gtins - called.keys()) - made.keys()),
        await unit.points.members(said) if said else {},
    )


def _book(receipt: Receipt, store: StoreId, caller: Caller, facts: Facts, unit: Unit) -> Book:
    return Book(
        receipt=receipt,
        store=store,
        terminal=receipt.terminal or caller.terminal,
        actor=caller.id,
        happened_at=happened_at(receipt.occurred_at, unit.now),
        digest=receipt.digest,
        lines=tuple([line.as_sold(facts.called) for line in receipt.lines]),
    )


async def _kept(
    unit: Unit, books: Mapping[ReceiptId, Book], new: set[ReceiptId]
) -> dict[ReceiptId, Kept]:
    """Receipts that were known before, and sales that returns name."""
    named = {sale for book in books.values() if (sale := book.receipt.of_sale) is not None}
    wanted = (books.keys() - new) | named
    return await unit.sales.kept(wanted) if wanted else {}


async def _move_goods(unit: Unit, books: Sequence[Book], facts: Facts) -> None:
    """Everything that left the shelves or came back, all places locked in one order.

    What is not tracked moves on the shelves it has, and gets none.
    """
    parts = {sku: all_parts(made, facts.made) for sku, made in facts.made.items()}
    moves = [move for book in books for move in book.moves(parts)]
    if moves:
        moves = [*await _moves_of_holds(unit, books, facts, parts), *moves]
        places = {move.change.place for move in moves}
        tracked = {place for place in places if facts.made[place[1]].tracked}
        if len(tracked) == len(places):
            await unit.stock.shelve(places)
        else:
            shelves = await unit.stock.lock(places, shelve=tracked)
            moves = [move for move in moves if move.change.place in shelves]
        await unit.stock.apply(already_counted(moves, await unit.stock.told(places)))
    if facts.unknown and (met := strangers(books, facts.unknown)):
        await unit.incidents.meet(met)


async def _moves_of_holds(
    unit: Unit, books: Sequence[Book], facts: Facts, parts: Mapping[Sku, Mapping[Sku, int]]
) -> list[Move]:
    """Who buys at the till what is held for the same person online buys it once."""
    bought: dict[MemberId, list[Book]] = {}
    for book in books:
        if book.receipt.kind is ReceiptKind.SALE and (member := facts.member_of(book)):
            bought.setdefault(member, []).append(book)
    if not bought:
        return []
    store, actor = books[0].store, books[0].actor
    skus = {sku for book in books for line in book.lines for sku in parts.get(line.name, ())}
    used: dict[MemberId, Counter[Sku]] = {member: Counter() for member in bought}
    moves: list[Move] = []
    for member, before in await unit.holds.take_of(bought, {(store, sku) for sku in skus}):
        sold = _sold_since(before, bought[member]) - used[member]
        after = before.after_buying(store, sold, parts)
        if after.lines == before.lines:
            continue
        used[member] += before.units_at(store) - after.units_at(store)
        if after.lines:
            await unit.holds.keep(after)
        else:
            await unit.holds.close([before.id], HoldState.CONVERTED)
        source = Source(Cause.HOLD, before.id, actor, unit.now)
        moves += moves_of(difference(before.places, after.places), source)
    return moves


def _sold_since(hold: Hold, books: Sequence[Book]) -> Counter[Sku]:
    """Units that were sold after `hold` was made, give or take what clocks differ."""
    sold = Counter[Sku]()
    for book in books:
        if book.happened_at + CLOCKS_DIFFER >= hold.created_at:
            for line in book.lines:
                sold[line.name] += line.quantity
    return sold


async def _move_points(
    unit: Unit, books: Sequence[Book], facts: Facts, noted: Noted
) -> dict[ReceiptId, Earned]:
    """Points of members' sales; and of returns, now or when the sale they name comes."""
    sales = {
        book.receipt.id: Purchase(book.receipt.source, member, book.points(), book.happened_at)
        for book in books
        if book.receipt.kind is ReceiptKind.SALE and (member := facts.member_of(book))
    }
    members = {purchase.member for purchase in sales.values()}
    returned = {sale for book in books if (sale := book.receipt.of_sale) is not None}
    returned |= await unit.sales.returned(sales) if sales else set()
    bought = [*map(source_of, returned), *noted.unearned]
    if members and bought:
        await unit.points.lock(members, bought)
    if sales:
        await unit.points.earn(sales.values())
    if bought:
        parts = parts_returned(await unit.sales.trades(returned)) if returned else {}
        back = {source_of(sale): lines for sale, lines in parts.items()}
        await unit.points.take_back(back | noted.unearned)
    balances = await unit.points.available(members) if members else {}
    return {
        receipt: Earned(sum(sale.lines.values()), balances[sale.member])
        for receipt, sale in sales.items()
    }


class _Answers(Struct):
    """One for each receipt of a batch; `fresh` are the new ones that still wait for theirs."""

    store: StoreId
    fresh: dict[ReceiptId, Book]
    kept: Mapping[ReceiptId, Kept]
    facts: Facts
    earned: Mapping[ReceiptId, Earned]
    unfit: Mapping[ReceiptId, Sequence[Discrepancy]]
    answered: dict[ReceiptId, Book] = {}

    def to(self, told: Told) -> Result:
        if isinstance(told, Refusal):
            return _rejected(told, told.facts.get("id", UNSET))
        if told.store not in {None, self.store}:
            return _rejected(OtherStore(), told.id)
        if book := self.fresh.pop(told.id, None):
            self.answered[told.id] = book
            return self._applied(book)
        return self._known(told)

    def _applied(self, book: Book) -> Result:
        receipt = book.receipt
        sale = self.kept.get(receipt.of_sale or "")
        return Result(
            id=receipt.id,
            status="pending_match" if sale and sale.is_awaited else "applied",
            conflicts=[*_discrepancies(book, self.facts), *self.unfit.get(receipt.id, ())],
            points=self.earned.get(receipt.id, UNSET),
        )

    def _known(self, told: Receipt) -> Result:
        first: Any = self.answered.get(told.id) or self.kept[told.id]
        if first.store != self.store:
            return _rejected(OtherStore(), told.id)
        if first.digest != told.digest:
            return _rejected(IdReused(told.id), told.id)
        return Result(id=told.id, status="duplicate", conflicts=[])


def _discrepancies(book: Book, facts: Facts) -> list[Discrepancy]:
    """What of a receipt does not fit what we know."""
    receipt, found = book.receipt, []
    if receipt.occurred_at > book.happened_at + CLOCKS_DIFFER:
        detail = f"The till's clock is ahead; it is kept as {book.happened_at.isoformat()}."
        found.append(Discrepancy("/occurred_at", "clock_skew", detail))
    if receipt.member is not None and facts.member_of(book) is None:
        found.append(Discrepancy("/member", "unknown_member", "Nobody is known by this."))
    for position, line in enumerate(book.lines if facts.unknown else ()):
        if line.name in facts.unknown:
            field = "sku" if receipt.lines[position].sku is not None else "gtin"
            detail = f"There is no product {line.name!r}; nothing moved for it."
            found.append(Discrepancy(f"/lines/{position}/{field}", "unknown_sku", detail))
    return found


def _rejected(refusal: Refusal, receipt: str | UnsetType) -> Result:
    code = refusal.errors[0]["code"] if refusal.name == "invalid" else refusal.name
    return Result(id=receipt, status="rejected", conflicts=[], code=code, detail=refusal.detail)
