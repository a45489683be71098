"""Names of people and products, as they appear on a page, in a log and in a letter head."""

from typing import Annotated, Final

from msgspec import Meta

from domain.kernel.patterns import anchored

_CONTROL: Final = r"\x00-\x1f\x7f-\x9f\u2028\u2029"
_ONE_LINE: Final = anchored(rf"[^{_CONTROL}]*[^\s{_CONTROL}][^{_CONTROL}]*")

Name = Annotated[
    str,
    Meta(
        pattern=_ONE_LINE,
        min_length=1,
        max_length=200,
        description="One line that is not blank, without control characters.",
    ),
]
Title = Annotated[str, Meta(pattern=_ONE_LINE, min_length=1, max_length=500)]
"""The name of a thing that is sold."""
OptionalName = Annotated[str, Meta(pattern=anchored(rf"[^{_CONTROL}]*"), max_length=200)]
"""A name that may be left out."""
