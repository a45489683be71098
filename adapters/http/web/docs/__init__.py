"""The contract, served: as JSON, as YAML, and as pages that need no internet."""

import asyncio
import json
from functools import cache
from pathlib import Path
from typing import Any, Final

from litestar import Litestar, Request, Response, get
from litestar.params import FromPath

from adapters.http.web.authentication import public
from adapters.http.web.openapi.document import build_openapi
from adapters.http.web.openapi.yaml import to_yaml
from domain.kernel.errors import NotFound

DOCS_FOLDER: Final = Path(__file__).parent
MEDIA_TYPES: Final = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "start.js": "text/javascript",
    "favicon-32x32.png": "image/png",
}
"""Swagger UI is vendored unchanged with its own licence, in the same folder."""
CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline';"
    " img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'"
)
"""A browser that follows it loads nothing from other origins."""


@cache
def _cached_document(app: Litestar) -> dict[str, Any]:
    return build_openapi(app)


@get(
    "/schema/openapi.json",
    operation_id="read_contract",
    include_in_schema=False,
    **public(),
)
async def get_openapi_json(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Get OpenAPI 3.1 as JSON."""
    document = await asyncio.to_thread(_cached_document, request.app)
    return _text_response(json.dumps(document, ensure_ascii=False), "application/json")


@get(
    "/schema/openapi.yaml",
    operation_id="read_contract_as_yaml",
    include_in_schema=False,
    **public(),
)
async def get_openapi_yaml(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Get OpenAPI 3.1 as YAML, the same as the file in `openapi/`."""
    document = await asyncio.to_thread(_cached_document, request.app)
    return _text_response(await asyncio.to_thread(to_yaml, document), "application/yaml")


@get("/docs", operation_id="read_docs", include_in_schema=False, **public())
async def get_docs_page() -> Response[bytes]:
    """Get the API contract as a page."""
    return _asset_response("index.html", "text/html")


@get("/docs/{name:str}", operation_id="read_docs_part", include_in_schema=False, **public())
async def get_docs_asset(name: FromPath[str]) -> Response[bytes]:
    """Get a static asset of the documentation page."""
    if name not in MEDIA_TYPES:
        raise NotFound("There is no such file.")
    return _asset_response(name, MEDIA_TYPES[name])


@cache
def _read_asset(name: str) -> bytes:
    inside = DOCS_FOLDER / name
    return (inside if inside.exists() else DOCS_FOLDER / "swagger" / name).read_bytes()


def _asset_response(name: str, media_type: str) -> Response[bytes]:
    headers = {
        "Content-Security-Policy": CONTENT_SECURITY_POLICY,
        "Cache-Control": "public, max-age=3600",
    }
    return Response(_read_asset(name), media_type=media_type, headers=headers)


def _text_response(text: str, media_type: str) -> Response[bytes]:
    return Response(text.encode(), media_type=media_type, headers={"Cache-Control": "no-cache"})


PAGES: Final = (get_openapi_json, get_openapi_yaml, get_docs_page, get_docs_asset)
