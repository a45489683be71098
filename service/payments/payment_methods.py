"""Who takes the money."""

from datetime import timedelta
from typing import Final

from msgspec import Struct

from domain.foundation.callers import Caller, Role
from domain.kernel.errors import InvalidField
from domain.payments.tenders import CARD, ON_ACCOUNT, PAY_AT_PICKUP, PAY_AT_TILL
from service.payments.ports import PaymentProvider

TRANSACTION_LEASE: Final = timedelta(minutes=2)
"""How long a transaction is its asker's alone; longer than a provider is waited for."""


class PaymentMethods(Struct, frozen=True):
    """The accepted payment methods; `payments` takes cards, and an order waits for `patience`.

    `on_account` says that the retailer bills buyers by itself.
    """

    card_provider: PaymentProvider | None = None
    payment_timeout: timedelta = timedelta(minutes=30)
    on_account: bool = False

    @property
    def provider(self) -> PaymentProvider:
        assert self.card_provider is not None, "who takes no cards has refused them"
        return self.card_provider

    @property
    def publishable_key(self) -> str:
        """The key that the shop's page shows to the provider."""
        return self.card_provider.publishable_key if self.card_provider else ""

    def ensure_accepted(self, method: str, caller: Caller, *, sends: bool) -> None:
        """Checks that an order may be paid like this; `sends` is whether it has shipped lines.

        Raises InvalidField.
        """
        if method == CARD:
            self.ensure_cards_accepted()
        elif method == ON_ACCOUNT and not self.on_account:
            raise InvalidField("payment.method", "not_offered", "cannot be on_account here")
        elif method == PAY_AT_TILL and caller.role is not Role.TILL:
            raise InvalidField("payment.method", "not_at_a_till", "is for tills")
        elif method == PAY_AT_PICKUP and sends:
            rule = "cannot be pay_at_pickup where something is sent"
            raise InvalidField("payment.method", "nothing_sent_unpaid", rule)

    def ensure_cards_accepted(self) -> None:
        """Raises InvalidField."""
        if self.card_provider is None:
            raise InvalidField("payment.method", "not_offered", "cannot be card here")
