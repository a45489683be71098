"""The link at the end of an offer: whoever has it may end the offers it stands for."""

from hmac import compare_digest

from domain.contact.channels import Channel
from domain.contact.consent import Action, Purpose
from domain.kernel.errors import Missing
from domain.kernel.ids import CustomerId
from service.contact.consent import Statement, state_consent
from service.follow_ups.message_context import stop_token
from service.foundation.ports import Codes
from service.shared.unit_of_work import Units


class StopMissing(Missing):
    code = "unknown_link"

    def __init__(self) -> None:
        super().__init__("This link is not one of ours.")


def read_token(codes: Codes, token: str) -> tuple[CustomerId, Channel]:
    """Whose offers on which channel a link ends. It never grows old. Raises StopMissing."""
    name, _, rest = token.partition(".")
    channel, _, _ = rest.partition(".")
    if channel not in set(Channel):
        raise StopMissing
    customer = CustomerId(name)
    ours = stop_token(codes, customer, Channel(channel))
    if not compare_digest(ours.encode(), token.encode()):
        raise StopMissing
    return customer, Channel(channel)


async def stop(units: Units, customer: CustomerId, channel: Channel) -> None:
    """No more advertising to this customer on this channel, from now on."""
    no = Statement(Purpose.MARKETING, channel, Action.WITHDRAWN)
    await state_consent(units, customer, no, source="link", caller=None)
