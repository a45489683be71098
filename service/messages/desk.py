"""What the writing of messages needs besides the database."""

from datetime import timedelta

from msgspec import Struct

from domain.channels import Channel
from domain.ids import CustomerId, OrderId
from domain.letters import Retailer
from service.ports.callers import Codes
from service.ports.world import Channels, Rendering


class Desk(Struct, frozen=True):
    """`shop_url` is the retailer's webshop, `address` is how the world reaches this service."""

    channels: Channels
    rendering: Rendering
    codes: Codes
    retailer: Retailer
    address: str
    shop_url: str | None = None
    thank_you_after: timedelta = timedelta(0)

    def order_url(self, order: OrderId) -> str | None:
        return f"{self.shop_url.rstrip('/')}/orders/{order}" if self.shop_url else None

    def unsubscribe_url(self, customer: CustomerId, channel: Channel) -> str:
        return f"{self.address}/u/{stop_token(self.codes, customer, channel)}"


def stop_token(codes: Codes, customer: CustomerId, channel: Channel) -> str:
    """What ends advertising to a customer on a channel. It never grows old."""
    proof = codes.hash(f"stop {customer} {channel}").hex()[:32]
    return f"{customer}.{channel}.{proof}"
