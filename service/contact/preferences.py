"""A customer's preferences are updated."""

from domain.contact.preferences import Preferences
from domain.kernel.ids import CustomerId
from service.foundation.ports import RequestKey
from service.shared.retry import tried_again
from service.shared.unit_of_work import Units


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
