"""Customers are created and updated by the office or at a till."""

from collections.abc import Mapping
from typing import Any

from domain.customers.customers import Profile
from domain.kernel.ids import CustomerId
from service.foundation.ports import RequestKey
from service.shared.retry import tried_again
from service.shared.unit_of_work import Units


@tried_again
async def add_customer(
    units: Units, person: Mapping[str, Any], *, member: bool, key: RequestKey | None
) -> Profile:
    """Make somebody known, and a member unless `member` says no.

    Raises:
        ExternalIdTaken: the retailer's key stands for somebody we know already.
        WrongField: an address or a number cannot be one.
    """
    async with units.begin() as unit:
        if first := await unit.requests.claim(key, Profile):
            return first
        new = CustomerId(unit.new_id("cus"))
        told = Profile(id=new, created_at=unit.now, **person).changed()
        await unit.customers.add(told)
        if member:
            await unit.customers.enrol([told.external_id])
        profile = await unit.customers.get(new)
        await unit.requests.answer(key, profile)
    return profile


@tried_again
async def change_customer(
    units: Units, customer: CustomerId, changes: Mapping[str, Any], *, key: RequestKey | None
) -> Profile:
    """Change what was told; what was not stays as it was.

    Raises:
        CustomerMissing: there is nobody of this id.
        WrongField: an address or a number cannot be one.
    """
    async with units.begin() as unit:
        if first := await unit.requests.claim(key, Profile):
            return first
        before = await unit.customers.take(customer)
        profile = before.changed(**changes)
        if profile != before:
            await unit.customers.keep(profile)
        await unit.requests.answer(key, profile)
    return profile
