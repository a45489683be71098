"""The languages the shop writes in, and which one a reader gets."""

from typing import Annotated, Final

from msgspec import Meta

from domain.kernel.patterns import anchored

LOCALES: Final = ("en", "nb", "sv", "da", "ro")
"""Every text of ours exists in these."""

FALLBACK_LOCALE: Final = "en"

Locale = Annotated[
    str,
    Meta(
        pattern=anchored("[A-Za-z]{2,3}(-[A-Za-z]{4})?(-([A-Za-z]{2}|[0-9]{3}))?"),
        max_length=11,
        description="BCP 47: language, script and region, such as nb or nb-NO",
        examples=["nb-NO"],
    ),
]

NORWEGIAN_ALIASES: Final = {"no": "nb", "nn": "nb"}
"""The locale that a reader of the other two names of Norwegian reads without trouble."""


def fallback_chain(wanted: str, default: str = FALLBACK_LOCALE) -> list[str]:
    """The locales of a text, best first: `nb-NO`, `nb`, the retailer's default, `en`."""
    chain = [*_parent_locales(wanted), *_parent_locales(default), FALLBACK_LOCALE]
    return list(dict.fromkeys(chain))


def _parent_locales(locale: str) -> list[str]:
    """The locale, then without its last part, and so on."""
    parts = locale.split("-") if locale else []
    names = ["-".join(parts[:length]) for length in range(len(parts), 0, -1)]
    others = (
        [NORWEGIAN_ALIASES[parts[0].lower()]]
        if parts and parts[0].lower() in NORWEGIAN_ALIASES
        else []
    )
    return [*names, *others]


def resolve_locale(wanted: str, default: str = FALLBACK_LOCALE) -> str:
    """The one of LOCALES that a reader of `wanted` gets."""
    return next(locale for locale in fallback_chain(wanted, default) if locale in LOCALES)
