"""The rendering of letters: one layout, one structure per kind, the texts of five languages.

`templates/words/<locale>.toml` holds every sentence of a language; the templates beside it place
them. Templates run in a sandbox, and an undefined name is an error.
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

from domain.contact.channels import CONTENT_FORMATS, ContentForm, MessageChannel
from domain.follow_ups.content import Content, RenderedContent
from domain.kernel.locales import LOCALES, resolve_locale
from domain.kernel.money import Money, precision

TEMPLATE_FOLDER: Final = Path(__file__).parent / "templates"
BLANK_LINES: Final = re.compile(r"\n{3,}")
"""Blank lines, as a paragraph that was left out leaves them."""

MIN_WHOLE_DAY: Final = timedelta(hours=23)
"""A day of 24 hours, or of 23 when the clock goes forward."""


def build_environment(*, html: bool) -> ImmutableSandboxedEnvironment:
    return ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(TEMPLATE_FOLDER),
        undefined=StrictUndefined,
        autoescape=html,
        trim_blocks=True,
        lstrip_blocks=True,
    )


class JinjaRenderer:
    """The words of the shop. Every template is compiled when the service starts."""

    def __init__(self, default_locale: str = "en") -> None:
        """`default_locale` is the retailer's: for readers whose language we do not speak."""
        self._default_locale = default_locale
        self._html_environment = build_environment(html=True)
        self._text_environment = build_environment(html=False)
        self._translations = {locale: load_translations(locale) for locale in LOCALES}
        self._get_phrase = cache(self._compile_phrase)

    def render(self, letter: Content, *, channel: MessageChannel, locale: str) -> RenderedContent:
        """`letter` in the language of a reader of `locale`, in the form that `channel` shows."""
        language = resolve_locale(locale, self._default_locale)
        kind = letter.__struct_config__.tag
        if CONTENT_FORMATS[channel] is ContentForm.SHORT:
            return RenderedContent(
                language, self._render_text(f"{kind}.short", letter, locale, language)
            )
        return RenderedContent(
            language,
            text=self._render_text(f"{kind}.full", letter, locale, language),
            subject=self._render_text(f"{kind}.subject", letter, locale, language),
            html=self._render_html(f"{kind}.html", letter, locale, language),
        )

    def _render_text(self, name: str, letter: Content, locale: str, language: str) -> str:
        context = self._build_context(self._text_environment, letter, locale, language)
        text = self._text_environment.get_template(f"{name}.txt").render(
            context
        ).strip() + trailing_newline(name)
        return BLANK_LINES.sub("\n\n", text)

    def _render_html(self, name: str, letter: Content, locale: str, language: str) -> str:
        return self._html_environment.get_template(name).render(
            self._build_context(self._html_environment, letter, locale, language)
        )

    def _build_context(
        self, page: ImmutableSandboxedEnvironment, letter: Content, locale: str, language: str
    ) -> dict[str, Any]:
        """Returns the letter's fields and the locale's formatters of names, days, money, points."""
        kind = str(letter.__struct_config__.tag)
        region = regional_locale(locale, language, letter.country)
        context: dict[str, Any] = {
            **asdict(letter),
            "language": language,
            "name": lambda thing: thing.name_for(locale, language),
            "day": lambda at, pattern: format_date(at, pattern, locale=region),
            "clock": lambda at: format_time(at, "short", tzinfo=at.tzinfo, locale=region),
            "lasts_all_day": lambda span: span[1] - span[0] >= MIN_WHOLE_DAY,
            "number": lambda count: format_decimal(count, locale=region),
            "money": lambda price: format_money(price, region),
            "plural": lambda count: Locale.parse(language).plural_form(count),
        }
        context["say"] = self._build_translator(page, language, kind, context)
        return context

    def _build_translator(
        self,
        page: ImmutableSandboxedEnvironment,
        language: str,
        kind: str,
        context: Mapping[str, Any],
    ) -> Callable[..., str]:
        def say(key: str, **more: object) -> str:
            spoken = self._get_phrase(page, language, kind, key).render({**context, **more})
            return Markup(spoken) if page.autoescape else spoken  # noqa: S704 - it was escaped

        return say

    def _compile_phrase(
        self, page: ImmutableSandboxedEnvironment, language: str, kind: str, key: str
    ) -> Template:
        words = self._translations[language]
        return page.from_string(words[kind].get(key) or words["every"][key])


def load_translations(locale: str) -> dict[str, dict[str, str]]:
    return tomllib.loads((TEMPLATE_FOLDER / "words" / f"{locale}.toml").read_text("utf-8"))


def trailing_newline(name: str) -> str:
    """A full text ends its last line; a subject and a short text do not."""
    return "\n" if name.endswith(".full") else ""


def regional_locale(locale: str, language: str, country: str) -> Locale:
    """Returns the locale of dates and numbers: the reader's region, else the store's country."""
    wanted = locale.split("-")
    regions = [wanted[-1]] if len(wanted) > 1 and wanted[0] == language else []
    for region in (*regions, country):
        try:
            return Locale.parse(f"{language}_{region.upper()}")
        except (UnknownLocaleError, ValueError):
            continue
    return Locale.parse(language)


def format_money(price: Money, region: Locale) -> str:
    """`£12.99`, `1 299,00 kr`: as the reader writes it."""
    major = Decimal(price.amount).scaleb(-precision(price.currency))
    return format_currency(major, price.currency, locale=region)
