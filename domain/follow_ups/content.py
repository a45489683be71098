"""Contents of messages, before they are put into words. They are read when the message leaves."""

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct

from domain.kernel.locales import fallback_chain
from domain.kernel.money import Money


class NamedProduct(Struct, frozen=True, kw_only=True):
    """A product by its name, and its names in other languages."""

    name: str
    names: Mapping[str, str] = {}

    def name_for(self, wanted: str, language: str) -> str:
        """Its name for a reader of `wanted` in a letter that is written in `language`."""
        chain = fallback_chain(wanted, language)
        return next((self.names[locale] for locale in chain if locale in self.names), self.name)


class ContentItem(NamedProduct, frozen=True, kw_only=True):
    quantity: int


class Suggestion(NamedProduct, frozen=True, kw_only=True):
    """A product that goes with the purchase and is in stock in that store now."""

    price: Money


class Retailer(Struct, frozen=True):
    """The sender, and the address for answers."""

    name: str
    url: str | None = None
    email: str | None = None
    phone: str | None = None


class ContentStore(Struct, frozen=True):
    """A store as a visitor needs it; `today` are its opening spans of the day, None if unknown."""

    name: str
    country: str
    address: str = ""
    postal_code: str = ""
    city: str = ""
    phone: str = ""
    today: list[tuple[datetime, datetime]] | None = None


class PickupReadyContent(Struct, frozen=True, kw_only=True, tag="pickup_ready"):
    """The order is ready. Times have the store's own offset."""

    retailer: Retailer
    order: str
    store: ContentStore
    items: list[ContentItem]
    code: str
    collect_by: datetime | None = None
    order_url: str | None = None

    @property
    def country(self) -> str:
        return self.store.country


class ThankYouContent(Struct, frozen=True, kw_only=True, tag="thank_you"):
    """A thank-you message: the points earned, and perhaps a product that goes with the purchase.

    `store` is where it was collected, None for goods that were sent. `earned` and `balance` are
    points, None for a buyer who is not a member. `country` is that of the location that handed over
    or sent it.
    """

    retailer: Retailer
    order: str
    country: str
    store: ContentStore | None
    items: list[ContentItem]
    earned: int | None = None
    balance: int | None = None
    suggestion: Suggestion | None = None
    order_url: str | None = None
    unsubscribe_url: str | None = None


class ShipmentSentContent(Struct, frozen=True, kw_only=True, tag="shipment_sent"):
    """A parcel is on its way. `to_come` are the units of the order still to be sent.

    `city` is where it goes, `tracking_url` its tracking page. `country` is that of the location
    that sent it.
    """

    retailer: Retailer
    order: str
    country: str
    carrier: str
    tracking_number: str
    items: list[ContentItem]
    to_come: list[ContentItem]
    city: str | None = None
    tracking_url: str | None = None
    order_url: str | None = None


class OrderShortContent(Struct, frozen=True, kw_only=True, tag="order_short"):
    """Goods that the shop could not find, and the effect on the buyer's money."""

    retailer: Retailer
    order: str
    country: str
    items: list[ContentItem]
    by_card: bool
    order_url: str | None = None


class PaymentRefundedContent(Struct, frozen=True, kw_only=True, tag="payment_refunded"):
    """A captured payment came too late for its order and is refunded. `country` is the shop's."""

    retailer: Retailer
    order: str
    country: str
    amount: Money
    order_url: str | None = None


class PaymentVoidedContent(Struct, frozen=True, kw_only=True, tag="payment_voided"):
    """An authorised payment came too late for its order and is released; as above."""

    retailer: Retailer
    order: str
    country: str
    amount: Money
    order_url: str | None = None


class OrderLinkContent(Struct, frozen=True, kw_only=True, tag="order_link"):
    """A link to an order, for the buyer who lost it. `country` is the shop's."""

    retailer: Retailer
    order: str
    country: str
    items: list[ContentItem]
    order_url: str | None = None


Content = (
    PickupReadyContent
    | ShipmentSentContent
    | OrderShortContent
    | ThankYouContent
    | PaymentRefundedContent
    | PaymentVoidedContent
    | OrderLinkContent
)


class RenderedContent(Struct, frozen=True):
    """A letter in words; a channel without pages has no subject and no HTML."""

    locale: str
    text: str
    subject: str | None = None
    html: str | None = None
