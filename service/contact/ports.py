"""Ports of consent and preferences."""

from collections.abc import Sequence
from typing import Protocol

from domain.contact import preferences
from domain.contact.consent import Consent
from domain.kernel.ids import CustomerId


class Preferences(Protocol):
    async def get(self, customer: CustomerId) -> preferences.Preferences:
        """Returns the stated preferences and the locale; defaults for an unknown customer."""

    async def upsert(self, customer: CustomerId, stated: preferences.Preferences) -> None:
        """State all of it anew; a locale becomes the profile's too."""


class Consents(Protocol):
    """The consent statements of customers; they are never deleted."""

    async def record(self, customer: CustomerId, consent: Consent) -> None: ...

    async def list_by_customer(self, customer: CustomerId) -> Sequence[Consent]:
        """Every statement, oldest first."""
