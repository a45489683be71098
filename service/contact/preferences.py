"""A customer's preferences are updated."""

from domain.contact.preferences import Preferences
from domain.kernel.ids import CustomerId
from service.foundation.ports import IdempotencyKey
from service.shared.retry import retry_on_conflict
from service.shared.unit_of_work import Units


@retry_on_conflict
async def update_preferences(
    units: Units, customer: CustomerId, stated: Preferences, *, key: IdempotencyKey | None
) -> Preferences:
    """Replaces all preferences; a field left out is no longer stated."""
    async with units.begin() as unit:
        if first := await unit.foundation.idempotency.claim(key, Preferences):
            return first
        await unit.customers.customers.get_for_update(customer)
        await unit.contact.preferences.upsert(customer, stated)
        preferences = await unit.contact.preferences.get(customer)
        await unit.foundation.idempotency.save_answer(key, preferences)
    return preferences
