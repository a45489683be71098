"""Customers are created and updated by the office or at a till."""

from collections.abc import Mapping
from typing import Any

from domain.customers.customers import Profile
from domain.kernel.ids import CustomerId
from service.foundation.ports import IdempotencyKey
from service.shared.retry import retry_on_conflict
from service.shared.unit_of_work import Units


@retry_on_conflict
async def create_customer(
    units: Units, person: Mapping[str, Any], *, member: bool, key: IdempotencyKey | None
) -> Profile:
    """Creates a customer, and a loyalty member unless `member` is false.

    Raises:
        ExternalIdTaken: another customer has the retailer's id.
        InvalidField: an address or a number cannot be one.
    """
    async with units.begin() as unit:
        if first := await unit.foundation.idempotency.claim(key, Profile):
            return first
        new = CustomerId(unit.new_id("cus"))
        told = Profile(id=new, created_at=unit.now, **person).update()
        await unit.customers.customers.add(told)
        if member:
            await unit.customers.customers.enrol_members([told.external_id])
        profile = await unit.customers.customers.get(new)
        await unit.foundation.idempotency.save_answer(key, profile)
    return profile


@retry_on_conflict
async def update_customer(
    units: Units, customer: CustomerId, changes: Mapping[str, Any], *, key: IdempotencyKey | None
) -> Profile:
    """Changes the given fields; the others stay as they were.

    Raises:
        CustomerNotFound: there is no customer of this id.
        InvalidField: an address or a number cannot be one.
    """
    async with units.begin() as unit:
        if first := await unit.foundation.idempotency.claim(key, Profile):
            return first
        before = await unit.customers.customers.get_for_update(customer)
        profile = before.update(**changes)
        if profile != before:
            await unit.customers.customers.update(profile)
        await unit.foundation.idempotency.save_answer(key, profile)
    return profile
