"""Ports of consent and preferences."""

from collections.abc import Sequence
from typing import Protocol

from domain.contact import preferences
from domain.contact.consent import Consent
from domain.kernel.ids import CustomerId


class Preferences(Protocol):
    async def of(self, customer: CustomerId) -> preferences.Preferences:
        """What the customer stated, with the language of the profile; nothing for nobody."""

    async def put(self, customer: CustomerId, stated: preferences.Preferences) -> None:
        """State all of it anew; a locale becomes the profile's too."""


class Consents(Protocol):
    """What customers said, for ever."""

    async def state(self, customer: CustomerId, consent: Consent) -> None: ...

    async def stated(self, customer: CustomerId) -> Sequence[Consent]:
        """Every statement, oldest first."""
