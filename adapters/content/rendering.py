"""Puts a letter into words: one layout, one structure per kind, the words of five languages.

`templates/words/<locale>.toml` holds every sentence of a language; the templates beside it say
what stands where. Templates run in a sandbox, and a name that nobody defined is an error.
"""

import re
import tomllib
from collections.abc import Callable, Mapping
from datetime import timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Final

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_time
from babel.numbers import format_currency, format_decimal
from jinja2 import FileSystemLoader, StrictUndefined, Template
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup
from msgspec.structs import asdict

from domain.contact.channels import FORMS, ContentForm, MessageChannel
from domain.follow_ups.content import Content, RenderedContent
from domain.kernel.locales import LOCALES, spoken
from domain.kernel.money import Money, precision

TEMPLATES: Final = Path(__file__).parent / "templates"
GAP: Final = re.compile(r"\n{3,}")
"""What a left-out paragraph leaves behind."""

WHOLE_DAY: Final = timedelta(hours=23)
"""A day of 24 hours, or of 23 when the clock goes forward."""


def environment(*, html: bool) -> ImmutableSandboxedEnvironment:
    return ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        autoescape=html,
        trim_blocks=True,
        lstrip_blocks=True,
    )


class JinjaRenderer:
    """The words of the shop. Every template is compiled when the service starts."""

    def __init__(self, default_locale: str = "en") -> None:
        """`default_locale` is the retailer's: for readers whose language we do not speak."""
        self._default = default_locale
        self._pages = environment(html=True)
        self._plain = environment(html=False)
        self._words = {locale: words_of(locale) for locale in LOCALES}
        self._phrase = cache(self._compiled)

    def render(self, letter: Content, *, channel: MessageChannel, locale: str) -> RenderedContent:
        """`letter` in the language of a reader of `locale`, in the form that `channel` shows."""
        language = spoken(locale, self._default)
        kind = letter.__struct_config__.tag
        if FORMS[channel] is ContentForm.SHORT:
            return RenderedContent(
                language, self._plain_text(f"{kind}.short", letter, locale, language)
            )
        return RenderedContent(
            language,
            text=self._plain_text(f"{kind}.full", letter, locale, language),
            subject=self._plain_text(f"{kind}.subject", letter, locale, language),
            html=self._page(f"{kind}.html", letter, locale, language),
        )

    def _plain_text(self, name: str, letter: Content, locale: str, language: str) -> str:
        context = self._context(self._plain, letter, locale, language)
        text = self._plain.get_template(f"{name}.txt").render(context).strip() + ending(name)
        return GAP.sub("\n\n", text)

    def _page(self, name: str, letter: Content, locale: str, language: str) -> str:
        return self._pages.get_template(name).render(
            self._context(self._pages, letter, locale, language)
        )

    def _context(
        self, page: ImmutableSandboxedEnvironment, letter: Content, locale: str, language: str
    ) -> dict[str, Any]:
        """Every field of the letter, and how its reader says names, days, money and points."""
        kind = str(letter.__struct_config__.tag)
        region = regional(locale, language, letter.country)
        context: dict[str, Any] = {
            **asdict(letter),
            "language": language,
            "name": lambda thing: thing.called(locale, language),
            "day": lambda at, pattern: format_date(at, pattern, locale=region),
            "clock": lambda at: format_time(at, "short", tzinfo=at.tzinfo, locale=region),
            "lasts_all_day": lambda span: span[1] - span[0] >= WHOLE_DAY,
            "number": lambda count: format_decimal(count, locale=region),
            "money": lambda price: money(price, region),
            "plural": lambda count: Locale.parse(language).plural_form(count),
        }
        context["say"] = self._speaker(page, language, kind, context)
        return context

    def _speaker(
        self,
        page: ImmutableSandboxedEnvironment,
        language: str,
        kind: str,
        context: Mapping[str, Any],
    ) -> Callable[..., str]:
        def say(key: str, **more: object) -> str:
            spoken = self._phrase(page, language, kind, key).render({**context, **more})
            return Markup(spoken) if page.autoescape else spoken  # noqa: S704 - it was escaped

        return say

    def _compiled(
        self, page: ImmutableSandboxedEnvironment, language: str, kind: str, key: str
    ) -> Template:
        words = self._words[language]
        return page.from_string(words[kind].get(key) or words["every"][key])


def words_of(locale: str) -> dict[str, dict[str, str]]:
    return tomllib.loads((TEMPLATES / "words" / f"{locale}.toml").read_text("utf-8"))


def ending(name: str) -> str:
    """A full text ends its last line; a subject and a short text do not."""
    return "\n" if name.endswith(".full") else ""


def regional(locale: str, language: str, country: str) -> Locale:
    """How days and numbers are written: the reader's own region, else the store's country."""
    wanted = locale.split("-")
    regions = [wanted[-1]] if len(wanted) > 1 and wanted[0] == language else []
    for region in (*regions, country):
        try:
            return Locale.parse(f"{language}_{region.upper()}")
        except (UnknownLocaleError, ValueError):
            continue
    return Locale.parse(language)


def money(price: Money, region: Locale) -> str:
    """`£12.99`, `1 299,00 kr`: as the reader writes it."""
    major = Decimal(price.amount).scaleb(-precision(price.currency))
    return format_currency(major, price.currency, locale=region)
