"""Receipts from tills: batches are booked as facts, and each receipt gets its own result.

New receipts are written and known ones skipped; goods, incidents and points of the whole batch
then move in one unit by a handful of statements. The final state is the same in whatever order
receipts arrive, and when they are split or sent twice.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType

from domain.catalogue.products import ProductWithParts
from domain.foundation.callers import AccessDenied, Caller
from domain.inventory.availability import all_components
from domain.inventory.holds import Hold, HoldState, delta_between
from domain.inventory.stock_levels import MovementReason, PostingSource, StockPosting, to_postings
from domain.inventory.stocktaking import apply_late_report
from domain.kernel.errors import DomainError
from domain.kernel.ids import MemberId, ReceiptId, Sku, StoreId
from domain.kernel.timestamps import clamp_to_now
from domain.loyalty.points import Purchase
from domain.pos.incidents import unknown_skus
from domain.pos.receipts import (
    BookedReceipt,
    Receipt,
    ReceiptDiscrepancy,
    ReceiptIdReused,
    ReceiptKind,
    ReceiptOfOtherStore,
    StoredReceipt,
    returned_quantities,
    to_source_id,
)
from service.inventory.stocktaking import CLOCK_TOLERANCE
from service.returns.till_returns import TillReturns, record_till_returns
from service.shared.retry import retry_on_conflict
from service.shared.unit_of_work import Unit, Units

ReceiptBatch = Receipt | DomainError


class EarnedPoints(Struct, frozen=True):
    """Points that a sale earned, and the member's spendable balance now."""

    earned: int
    balance: int


class ReceiptResult(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The result of a receipt. `conflicts` did not match our data, and were applied all the same.

    `pending_match`: the goods are booked; money and points wait for the named sale.
    """

    id: str | UnsetType = UNSET
    status: Literal["applied", "duplicate", "pending_match", "rejected"]
    conflicts: list[ReceiptDiscrepancy]
    code: str | UnsetType = UNSET
    detail: str | UnsetType = UNSET
    points: EarnedPoints | UnsetType = UNSET


class ReceiptFacts(Struct, frozen=True):
    """The data that a batch of receipts refers to; `unknown` are named SKUs that are not sold."""

    called: Mapping[str, Sku]
    made: Mapping[Sku, ProductWithParts]
    unknown: frozenset[str]
    members: Mapping[str, MemberId]

    def member_of(self, book: BookedReceipt) -> MemberId | None:
        return self.members.get(book.receipt.member or "")


@retry_on_conflict
async def record_receipts(
    units: Units, *, caller: Caller, store: StoreId, receipts: Sequence[ReceiptBatch]
) -> list[ReceiptResult]:
    """Books the sales and returns of a store's tills. No past event is refused.

    A known receipt is a `duplicate` and changes nothing, in this batch or in a later one.

    Raises:
        StoreNotFound, AccessDenied: the caller has no such store.
    """
    if not caller.works_at(store):
        raise AccessDenied(caller, store)
    ours = [one for one in receipts if isinstance(one, Receipt) and one.store in {None, store}]
    firsts = {one.id: one for one in reversed(ours)}
    async with units.begin() as unit:
        await unit.stores.stores.get(store)
        facts = await _facts(unit, firsts)
        books = {one.id: _book(one, store, caller, facts, unit) for one in firsts.values()}
        new = await unit.pos.receipts.add(list(books.values())) if books else set()
        fresh = [book for book in books.values() if book.receipt.id in new]
        kept = await _kept(unit, books, new)
        await _move_goods(unit, fresh, facts)
        noted = await record_till_returns(unit, fresh)
        earned = await _move_points(unit, fresh, facts, noted)
    unfit = noted.conflicts
    answers = _Answers(store, {id_: books[id_] for id_ in new}, kept, facts, earned, unfit)
    return [answers.to(one) for one in receipts]


async def _facts(unit: Unit, receipts: Mapping[ReceiptId, Receipt]) -> ReceiptFacts:
    lines = [line for receipt in receipts.values() for line in receipt.lines]
    gtins = {line.item_code for line in lines if line.sku is None}
    called = await unit.catalogue.products.find_by_gtin(gtins) if gtins else {}
    named = {line.sku for line in lines if line.sku is not None}
    skus = named | set(called.values())
    made = await unit.catalogue.products.get_with_parts(skus) if skus else {}
    said = {receipt.member for receipt in receipts.values() if receipt.member is not None}
    return ReceiptFacts(
        called,
        made,
        frozenset((named | gtins - called.keys()) - made.keys()),
        await unit.loyalty.points.find_members(said) if said else {},
    )


def _book(
    receipt: Receipt, store: StoreId, caller: Caller, facts: ReceiptFacts, unit: Unit
) -> BookedReceipt:
    return BookedReceipt(
        receipt=receipt,
        store=store,
        terminal=receipt.terminal or caller.terminal,
        actor=caller.id,
        occurred_at=clamp_to_now(receipt.occurred_at, unit.now),
        digest=receipt.digest,
        lines=tuple([line.with_sku(facts.called) for line in receipt.lines]),
    )


async def _kept(
    unit: Unit, books: Mapping[ReceiptId, BookedReceipt], new: set[ReceiptId]
) -> dict[ReceiptId, StoredReceipt]:
    """Receipts that were known before, and sales that returns name."""
    named = {sale for book in books.values() if (sale := book.receipt.original_sale) is not None}
    wanted = (books.keys() - new) | named
    return await unit.pos.receipts.get_stored(wanted) if wanted else {}


async def _move_goods(unit: Unit, books: Sequence[BookedReceipt], facts: ReceiptFacts) -> None:
    """Moves all goods that left the stock or came back, with all locations locked in one order.

    A SKU that is not tracked moves on its existing stock levels, and gets no new one.
    """
    parts = {sku: all_components(made, facts.made) for sku, made in facts.made.items()}
    moves = [move for book in books for move in book.to_postings(parts)]
    if moves:
        moves = [*await _moves_of_holds(unit, books, facts, parts), *moves]
        places = {move.delta.key for move in moves}
        tracked = {place for place in places if facts.made[place[1]].tracked}
        if len(tracked) == len(places):
            await unit.inventory.stock_levels.create_missing(places)
        else:
            levels = await unit.inventory.stock_levels.get_for_update(places, shelve=tracked)
            moves = [move for move in moves if move.delta.key in levels]
        await unit.inventory.stock_levels.apply(
            apply_late_report(moves, await unit.inventory.stock_levels.get_reported(places))
        )
    if facts.unknown and (met := unknown_skus(books, facts.unknown)):
        await unit.pos.incidents.add_unknown(met)


async def _moves_of_holds(
    unit: Unit,
    books: Sequence[BookedReceipt],
    facts: ReceiptFacts,
    parts: Mapping[Sku, Mapping[Sku, int]],
) -> list[StockPosting]:
    """Releases a buyer's online hold when the same buyer buys the goods at the till."""
    bought: dict[MemberId, list[BookedReceipt]] = {}
    for book in books:
        if book.receipt.kind is ReceiptKind.SALE and (member := facts.member_of(book)):
            bought.setdefault(member, []).append(book)
    if not bought:
        return []
    store, actor = books[0].store, books[0].actor
    skus = {sku for book in books for line in book.lines for sku in parts.get(line.item_code, ())}
    used: dict[MemberId, Counter[Sku]] = {member: Counter() for member in bought}
    moves: list[StockPosting] = []
    for member, before in await unit.inventory.holds.get_by_members_for_update(
        bought, {(store, sku) for sku in skus}
    ):
        sold = _sold_since(before, bought[member]) - used[member]
        after = before.without_purchased(store, sold, parts)
        if after.lines == before.lines:
            continue
        used[member] += before.units_at(store) - after.units_at(store)
        if after.lines:
            await unit.inventory.holds.update(after)
        else:
            await unit.inventory.holds.close([before.id], HoldState.CONVERTED)
        source = PostingSource(MovementReason.HOLD, before.id, actor, unit.now)
        moves += to_postings(delta_between(before.units_by_key, after.units_by_key), source)
    return moves


def _sold_since(hold: Hold, books: Sequence[BookedReceipt]) -> Counter[Sku]:
    """Units that were sold after `hold` was made, with a tolerance for clock differences."""
    sold = Counter[Sku]()
    for book in books:
        if book.occurred_at + CLOCK_TOLERANCE >= hold.created_at:
            for line in book.lines:
                sold[line.item_code] += line.quantity
    return sold


async def _move_points(
    unit: Unit, books: Sequence[BookedReceipt], facts: ReceiptFacts, noted: TillReturns
) -> dict[ReceiptId, EarnedPoints]:
    """Points of members' sales; and of returns, now or when the sale they name comes."""
    sales = {
        book.receipt.id: Purchase(
            book.receipt.source_id, member, book.earned_points(), book.occurred_at
        )
        for book in books
        if book.receipt.kind is ReceiptKind.SALE and (member := facts.member_of(book))
    }
    members = {purchase.member for purchase in sales.values()}
    returned = {sale for book in books if (sale := book.receipt.original_sale) is not None}
    returned |= await unit.pos.receipts.filter_returned(sales) if sales else set()
    bought = [*map(to_source_id, returned), *noted.unearned]
    if members and bought:
        await unit.loyalty.points.lock(members, bought)
    if sales:
        await unit.loyalty.points.earn(sales.values())
    if bought:
        parts = (
            returned_quantities(await unit.pos.receipts.list_trades(returned)) if returned else {}
        )
        back = {to_source_id(sale): lines for sale, lines in parts.items()}
        await unit.loyalty.points.deduct(back | noted.unearned)
    balances = await unit.loyalty.points.get_available(members) if members else {}
    return {
        receipt: EarnedPoints(sum(sale.lines.values()), balances[sale.member])
        for receipt, sale in sales.items()
    }


class _Answers(Struct):
    """One for each receipt of a batch; `fresh` are the new ones that still wait for theirs."""

    store: StoreId
    fresh: dict[ReceiptId, BookedReceipt]
    kept: Mapping[ReceiptId, StoredReceipt]
    facts: ReceiptFacts
    earned: Mapping[ReceiptId, EarnedPoints]
    unfit: Mapping[ReceiptId, Sequence[ReceiptDiscrepancy]]
    answered: dict[ReceiptId, BookedReceipt] = {}

    def to(self, told: ReceiptBatch) -> ReceiptResult:
        if isinstance(told, DomainError):
            return _rejected(told, told.facts.get("id", UNSET))
        if told.store not in {None, self.store}:
            return _rejected(ReceiptOfOtherStore(), told.id)
        if book := self.fresh.pop(told.id, None):
            self.answered[told.id] = book
            return self._applied(book)
        return self._known(told)

    def _applied(self, book: BookedReceipt) -> ReceiptResult:
        receipt = book.receipt
        sale = self.kept.get(receipt.original_sale or "")
        return ReceiptResult(
            id=receipt.id,
            status="pending_match" if sale and sale.is_awaited else "applied",
            conflicts=[*_discrepancies(book, self.facts), *self.unfit.get(receipt.id, ())],
            points=self.earned.get(receipt.id, UNSET),
        )

    def _known(self, told: Receipt) -> ReceiptResult:
        first: Any = self.answered.get(told.id) or self.kept[told.id]
        if first.store != self.store:
            return _rejected(ReceiptOfOtherStore(), told.id)
        if first.digest != told.digest:
            return _rejected(ReceiptIdReused(told.id), told.id)
        return ReceiptResult(id=told.id, status="duplicate", conflicts=[])


def _discrepancies(book: BookedReceipt, facts: ReceiptFacts) -> list[ReceiptDiscrepancy]:
    """The parts of a receipt that do not match our data."""
    receipt, found = book.receipt, []
    if receipt.occurred_at > book.occurred_at + CLOCK_TOLERANCE:
        detail = (
            f"The till's clock is ahead; the receipt is recorded at {book.occurred_at.isoformat()}."
        )
        found.append(ReceiptDiscrepancy("/occurred_at", "clock_skew", detail))
    if receipt.member is not None and facts.member_of(book) is None:
        found.append(
            ReceiptDiscrepancy("/member", "unknown_member", "No member or customer has this id.")
        )
    for position, line in enumerate(book.lines if facts.unknown else ()):
        if line.item_code in facts.unknown:
            field = "sku" if receipt.lines[position].sku is not None else "gtin"
            detail = f"There is no product {line.item_code!r}; nothing moved for it."
            found.append(ReceiptDiscrepancy(f"/lines/{position}/{field}", "unknown_sku", detail))
    return found


def _rejected(refusal: DomainError, receipt: str | UnsetType) -> ReceiptResult:
    code = refusal.errors[0]["code"] if refusal.error_code == "invalid" else refusal.error_code
    return ReceiptResult(
        id=receipt, status="rejected", conflicts=[], code=code, detail=refusal.detail
    )
