"""Unsubscribing from offers: a page asks for confirmation, and a post unsubscribes.

Programs that scan mail open every link, so opening changes nothing. The post comes from the page's
button, or from a mailbox with `List-Unsubscribe=One-Click` (RFC 8058); it needs no login, takes
effect at once, and is idempotent.
"""

from html import escape
from typing import Any, Final

from litestar import Controller, MediaType, Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from adapters.http.web.authentication import public
from service.follow_ups.unsubscribe import parse_token, unsubscribe
from service.foundation.ports import Codes
from service.shared.unit_of_work import Units

ONE_CLICK: Final = b"List-Unsubscribe=One-Click"

TRANSLATIONS: Final = {
    "en": (
        "Stop receiving offers",
        "Shall we stop sending you offers here? Messages about your orders still come.",
        "Yes, stop the offers",
        "Done. You will receive no more offers here.",
    ),
    "nb": (
        "Slutt å motta tilbud",
        "Skal vi slutte å sende deg tilbud her? Meldinger om bestillingene dine kommer fortsatt.",
        "Ja, slutt med tilbud",
        "Det er gjort. Du får ikke flere tilbud her.",
    ),
    "sv": (
        "Sluta få erbjudanden",
        "Ska vi sluta skicka erbjudanden hit? Du får fortfarande besked om dina beställningar.",
        "Ja, sluta med erbjudanden",
        "Klart. Du får inga fler erbjudanden här.",
    ),
    "da": (
        "Stop med at få tilbud",
        "Skal vi holde op med at sende dig tilbud her? Du får stadig besked om dine ordrer.",
        "Ja, stop tilbuddene",
        "Det er gjort. Du får ikke flere tilbud her.",
    ),
    "ro": (
        "Nu mai vreau oferte",
        "Să nu îți mai trimitem oferte aici? Mesajele despre comenzile tale vin în continuare.",
        "Da, fără oferte",
        "Gata. Nu vei mai primi oferte aici.",
    ),
}
PAGE_TEMPLATE: Final = """<!doctype html>
<html lang="{locale}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>
body {{ font: 1.1rem/1.5 system-ui, sans-serif }}
body {{ max-width: 32rem; margin: 3rem auto; padding: 0 1rem }}
button {{ font: inherit; padding: .6rem 1.2rem }}
</style>
</head>
<body>
<h1>{title}</h1>
{body}
</body>
</html>
"""
PAGE_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'",
}


class Unsubscribe(Controller):
    path = "/u/{token:str}"

    @get(operation_id="ask_to_stop", include_in_schema=False, **public())
    async def get_unsubscribe_page(
        self,
        token: FromPath[str],
        locale: NamedDependency[str],
        codes: NamedDependency[Codes],
    ) -> Response[str]:
        """Get the page with the unsubscribe button; nothing changes yet."""
        parse_token(codes, token)
        title, question, button, _ = TRANSLATIONS[locale]
        form = f'<form method="post"><button>{escape(button)}</button></form>'
        return _render_page(locale, title, f"<p>{escape(question)}</p>\n{form}")

    @post(operation_id="stop_offers", status_code=200, include_in_schema=False, **public())
    async def unsubscribe(
        self,
        token: FromPath[str],
        request: Request[Any, Any, Any],
        locale: NamedDependency[str],
        codes: NamedDependency[Codes],
        units: NamedDependency[Units],
    ) -> Response[str]:
        """Unsubscribe from offers."""
        customer, channel = parse_token(codes, token)
        await unsubscribe(units, customer, channel)
        if ONE_CLICK in await request.body():
            return Response("", media_type=MediaType.TEXT, headers=PAGE_HEADERS)
        title, _, _, done = TRANSLATIONS[locale]
        return _render_page(locale, title, f"<p>{escape(done)}</p>")


def _render_page(locale: str, title: str, body: str) -> Response[str]:
    page = PAGE_TEMPLATE.format(locale=locale, title=escape(title), body=body)
    return Response(page, media_type=MediaType.HTML, headers=PAGE_HEADERS)
