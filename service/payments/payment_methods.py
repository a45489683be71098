"""Who takes the money."""

from datetime import timedelta
from typing import Final

from msgspec import Struct

from domain.foundation.callers import Caller, Role
from domain.kernel.errors import WrongField
from domain.payments.tenders import AT_PICKUP, AT_TILL, CARD, ON_ACCOUNT
from service.payments.ports import Payments

LEASE: Final = timedelta(minutes=2)
"""How long a transaction is its asker's alone; longer than a provider is waited for."""


class Cashier(Struct, frozen=True):
    """`payments` takes cards, where it is set; an order waits for its money for `patience`.

    `on_account` says that the retailer bills buyers by itself.
    """

    payments: Payments | None = None
    patience: timedelta = timedelta(minutes=30)
    on_account: bool = False

    @property
    def provider(self) -> Payments:
        assert self.payments is not None, "who takes no cards has refused them"
        return self.payments

    @property
    def publishable_key(self) -> str:
        """What the shop's page shows the provider."""
        return self.payments.publishable_key if self.payments else ""

    def must_accept(self, method: str, caller: Caller, *, sends: bool) -> None:
        """Whether an order may be paid so; `sends` says that something of it is sent.

        Raises WrongField.
        """
        if method == CARD:
            self.must_take_cards()
        elif method == ON_ACCOUNT and not self.on_account:
            raise WrongField("payment.method", "not_offered", "cannot be on_account here")
        elif method == AT_TILL and caller.role is not Role.TILL:
            raise WrongField("payment.method", "not_at_a_till", "is for tills")
        elif method == AT_PICKUP and sends:
            rule = "cannot be pay_at_pickup where something is sent"
            raise WrongField("payment.method", "nothing_sent_unpaid", rule)

    def must_take_cards(self) -> None:
        """Raises WrongField."""
        if self.payments is None:
            raise WrongField("payment.method", "not_offered", "cannot be card here")
