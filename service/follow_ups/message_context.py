"""The inputs of message content besides the database."""

from datetime import timedelta

from msgspec import Struct

from domain.contact.channels import MessageChannel
from domain.follow_ups.content import Retailer
from domain.kernel.ids import CustomerId
from domain.orders.orders import Order
from service.follow_ups.ports import ContentRenderer, MessageChannels
from service.foundation.ports import Codes


class MessageContext(Struct, frozen=True):
    """`shop_url` is the retailer's webshop, `address` is how the world reaches this service."""

    channels: MessageChannels
    rendering: ContentRenderer
    codes: Codes
    retailer: Retailer
    address: str
    shop_url: str | None = None
    thank_you_after: timedelta = timedelta(0)

    def order_url(self, order: Order) -> str | None:
        """Returns the address of an order's page; a guest's has the token after the `#`.

        Browsers never send the part after the `#`: it appears in no log and no referrer.
        """
        if not self.shop_url:
            return None
        url = f"{self.shop_url.rstrip('/')}/orders/{order.id}"
        return url if order.customer else f"{url}#{self.codes.order_token(order.id)}"

    def unsubscribe_url(self, customer: CustomerId, channel: MessageChannel) -> str:
        return f"{self.address}/u/{unsubscribe_token(self.codes, customer, channel)}"


def unsubscribe_token(codes: Codes, customer: CustomerId, channel: MessageChannel) -> str:
    """Returns the token that ends marketing to a customer on a channel. It never expires."""
    proof = codes.hash(f"stop {customer} {channel}").hex()[:32]
    return f"{customer}.{channel}.{proof}"
