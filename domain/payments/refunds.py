"""How what came back is paid back: in the ways in which it was paid, to the last coin."""

from collections import Counter
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final

from msgspec import Struct

from domain.kernel.money import Money, split
from domain.payments.tenders import Tender


class RefundMethod(StrEnum):
    """Who pays back: the till that took the goods, the payment provider, or the office."""

    TILL = "till"
    PROVIDER = "provider"
    OFFICE = "office"


STORE_CREDIT: Final = "store_credit"
"""What is paid where there is no receipt: it is spent in the shop, and nowhere else."""


class Refund(Struct, frozen=True):
    """What is paid back in the way in which it was paid, and by whom."""

    type: str
    amount: Money
    through: RefundMethod


def split_refund(
    amount: int, tenders: Iterable[Tender], before: Mapping[str, int], *, at_till: bool
) -> list[Refund]:
    """`amount` minor units, shared out by what is left of each tender: never more than was paid.

    `before` is what was paid back of each already. All that is left is paid back by all returns
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
