"""Refunds of returned goods: by the tenders that paid for them, exact to the minor unit."""

from collections import Counter
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final

from msgspec import Struct

from domain.kernel.money import Money, split
from domain.payments.tenders import Tender


class RefundMethod(StrEnum):
    """The party that pays back: the till with the goods, the payment provider, or the office."""

    TILL = "till"
    PROVIDER = "provider"
    OFFICE = "office"


STORE_CREDIT: Final = "store_credit"
"""Store credit, for returns without a receipt: it can be spent in the shop only."""


class Refund(Struct, frozen=True):
    """The amount paid back by the tender that paid it, and the party that pays."""

    type: str
    amount: Money
    through: RefundMethod


def split_refund(
    amount: int, tenders: Iterable[Tender], before: Mapping[str, int], *, at_till: bool
) -> list[Refund]:
    """`amount` minor units, allocated by the rest of each tender: never more than was paid.

    `before` is the amount already paid back of each. All that is left is paid back by all returns
    together.
    """
    paid = Counter[str]()
    currency = ""
    for tender in tenders:
        paid[tender.type] += tender.amount.amount
        currency = tender.amount.currency
    left = {type_: max(0, count - before.get(type_, 0)) for type_, count in paid.items()}
    assert amount <= sum(left.values()), "nobody is paid back more than was paid"
    return [
        Refund(type_, Money(share, currency), _refund_channel(type_, at_till=at_till))
        for type_, share in split(amount, left).items()
        if share
    ]


def by_provider(refunds: Iterable[Refund]) -> int:
    """Minor units of these that the payment provider pays back."""
    return sum(one.amount.amount for one in refunds if one.through is RefundMethod.PROVIDER)


def _refund_channel(tender: str, *, at_till: bool) -> RefundMethod:
    if tender == "card":
        return RefundMethod.PROVIDER
    return RefundMethod.TILL if at_till else RefundMethod.OFFICE
