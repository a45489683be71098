"""Points that an order promises, without the order."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from domain.kernel.ids import CustomerId
from domain.loyalty.points import Purchase
from service.loyalty.ports import Points

PAID_AT = datetime(2026, 3, 2, 12, tzinfo=UTC)


async def promise(points: Points, customer: str, order: str, lines: Mapping[Any, int]) -> None:
    """As a checkout does: who is no member earns nothing."""
    buyers = await points.get_members([CustomerId(customer)])
    await points.add_pending(
        [Purchase(order, member, lines, PAID_AT) for member in buyers.values()]
    )
