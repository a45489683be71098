"""The people the shop knows: made known by the office or at a till, and cared for by themselves."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from domain.callers import Caller
from domain.channels import Channel
from domain.consent import Action, Consent, Permission, Purpose, permissions
from domain.customers import Profile
from domain.ids import CustomerId
from domain.locales import Locale
from domain.preferences import Preferences
from service.ports.requests import RequestKey
from service.ports.unit import Units
from service.retries import tried_again


class Allowed(Struct, frozen=True):
    """What a customer allows now, and every statement it comes from, the latest first."""

    current: list[Permission]
    items: list[Consent]


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


@tried_again
async def state_preferences(
    units: Units, customer: CustomerId, stated: Preferences, *, key: RequestKey | None
) -> Preferences:
    """State all of them anew; what is left out is no longer stated."""
    async with units.begin() as unit:
        if first := await unit.requests.claim(key, Preferences):
            return first
        await unit.customers.take(customer)
        await unit.preferences.put(customer, stated)
        preferences = await unit.preferences.of(customer)
        await unit.requests.answer(key, preferences)
    return preferences


class Statement(Struct, frozen=True):
    """What a customer says about one purpose on one channel."""

    purpose: Purpose
    channel: Channel
    action: Action
    wording: str = ""
    locale: Locale | None = None


@tried_again
async def state_consent(
    units: Units,
    customer: CustomerId,
    said: Statement,
    *,
    source: str,
    caller: Caller | None,
    key: RequestKey | None = None,
) -> Consent:
    """Write down what a customer says; it counts from the moment it is answered.

    Saying again what counts already adds nothing.
    """
    async with units.begin() as unit:
        if first := await unit.requests.claim(key, Consent):
            return first
        await unit.customers.take(customer)
        consent = Consent(
            purpose=said.purpose,
            channel=said.channel,
            action=said.action,
            at=unit.now,
            source=source,
            actor=caller.id if caller else customer,
            wording=said.wording,
            locale=said.locale,
        )
        before = await unit.consents.stated(customer)
        same = _latest(before, said)
        if same is None or same.action is not said.action:
            await unit.consents.state(customer, consent)
            same = consent
        await unit.requests.answer(key, same)
    return same


def _latest(stated: Sequence[Consent], said: Statement) -> Consent | None:
    mine = [one for one in stated if (one.purpose, one.channel) == (said.purpose, said.channel)]
    return mine[-1] if mine else None


async def allowed(units: Units, customer: CustomerId) -> Allowed:
    async with units.read() as unit:
        stated = await unit.consents.stated(customer)
    return Allowed(list(permissions(stated).values()), list(reversed(stated)))
