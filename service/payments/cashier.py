"""Who takes the money."""

from datetime import timedelta
from typing import Final

from msgspec import Struct

from domain.refusals import WrongField
from service.ports.payments import Payments

LEASE: Final = timedelta(minutes=2)
"""How long a transaction is its asker's alone; longer than a provider is waited for."""


class Cashier(Struct, frozen=True):
    """`payments` takes cards, where it is set; an order waits for its money for `patience`."""

    payments: Payments | None = None
    patience: timedelta = timedelta(minutes=30)

    @property
    def provider(self) -> Payments:
        assert self.payments is not None, "who takes no cards has refused them"
        return self.payments

    @property
    def publishable_key(self) -> str:
        """What the shop's page shows the provider."""
        return self.payments.publishable_key if self.payments else ""

    def must_take_cards(self) -> None:
        """Raises WrongField."""
        if self.payments is None:
            raise WrongField("payment.method", "not_offered", "cannot be card here")
