"""Unsubscribe links: the token of a link ends the marketing that it was made for."""

from hmac import compare_digest

from domain.contact.channels import MessageChannel
from domain.contact.consent import ConsentAction, Purpose
from domain.kernel.errors import NotFound
from domain.kernel.ids import CustomerId
from service.contact.consent import ConsentStatement, record_consent
from service.follow_ups.message_context import unsubscribe_token
from service.foundation.ports import Codes
from service.shared.unit_of_work import Units


class UnsubscribeTokenInvalid(NotFound):
    code = "unknown_link"

    def __init__(self) -> None:
        super().__init__("This link is not one of ours.")


def parse_token(codes: Codes, token: str) -> tuple[CustomerId, MessageChannel]:
    """The customer and the channel of a link; it never expires. Raises UnsubscribeTokenInvalid."""
    name, _, rest = token.partition(".")
    channel, _, _ = rest.partition(".")
    if channel not in set(MessageChannel):
        raise UnsubscribeTokenInvalid
    customer = CustomerId(name)
    ours = unsubscribe_token(codes, customer, MessageChannel(channel))
    if not compare_digest(ours.encode(), token.encode()):
        raise UnsubscribeTokenInvalid
    return customer, MessageChannel(channel)


async def unsubscribe(units: Units, customer: CustomerId, channel: MessageChannel) -> None:
    """No more advertising to this customer on this channel, from now on."""
    no = ConsentStatement(Purpose.MARKETING, channel, ConsentAction.WITHDRAWN)
    await record_consent(units, customer, no, source="link", caller=None)
