"""Files of the retailer's own systems, sent as the body of a request."""

from tempfile import TemporaryFile
from typing import Annotated, Any, BinaryIO, Final, cast

from litestar import Controller, Request, post
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter

from adapters.http.web.authentication import callers
from adapters.http.web.bodies import UnsupportedMediaType
from domain.foundation.callers import Caller, Role
from service.administration.imports import (
    FileReader,
    ImportKind,
    ImportReport,
    import_file,
    options,
)
from service.shared.unit_of_work import Units

MAX_BODY_BYTES: Final = 2_000_000_000
BODY_TYPES: Final = {
    "text/csv": "sku,name,price,currency\n85123A,Sample mug,249.00,SEK\n",
    "application/json": [
        {"sku": "85123A", "name": "Sample mug", "price": "249.00", "currency": "SEK"}
    ],
    "application/x-ndjson": '{"store": "1000", "sku": "85123A", "on_hand": 12}\n',
}
_ACCESS: Final = callers(Role.OFFICE, scope="imports")

FieldColumns = Annotated[
    list[str] | None,
    QueryParameter(
        name="map",
        max_items=50,
        description="`field=column`; a dot steps into an object: `latitude=location.lat`.",
    ),
]
FieldConstants = Annotated[
    list[str] | None,
    QueryParameter(name="set", max_items=50, description="`field=value` for every line."),
]
FieldPatterns = Annotated[
    list[str] | None,
    QueryParameter(
        name="pattern",
        max_items=10,
        description="`field=regular expression`; lines that do not match it are refused.",
    ),
]
DistinctKey = Annotated[
    str | None,
    QueryParameter(max_length=64, description="The key of which many lines become one thing."),
]


class Imports(Controller):
    path = "/v1/imports"
    tags = ("imports",)

    @post(
        "/{kind:str}",
        operation_id="import_file",
        status_code=200,
        request_max_body_size=MAX_BODY_BYTES,
        opt={**_ACCESS["opt"], "body_types": BODY_TYPES},
        security=_ACCESS["security"],
    )
    async def import_file(
        self,
        kind: FromPath[ImportKind],
        request: Request[Any, Any, Any],
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        reading: NamedDependency[FileReader],
        columns: FieldColumns = None,
        constants: FieldConstants = None,
        patterns: FieldPatterns = None,
        distinct: DistinctKey = None,
    ) -> ImportReport:
        """Import a file line by line: CSV, a JSON array, or one JSON object a line.

        accepted + unchanged + refused = lines read; the first 1,000 refused lines say why. The same
        file once more changes nothing, so no Idempotency-Key is needed.
        """
        told = options(
            columns=columns or (),
            constants=constants or (),
            patterns=patterns or (),
            distinct=distinct,
            content_type=_content_type(request),
        )
        # The whole file is received before the first line is read: a slow sender blocks no one.
        with TemporaryFile() as spool:
            file = cast(BinaryIO, spool)
            async for chunk in request.stream():
                file.write(chunk)
            file.seek(0)
            return await import_file(
                units, reading.batches(kind, file, told), kind, actor=caller.id
            )


def _content_type(request: Request[Any, Any, Any]) -> str:
    """Raises UnsupportedMediaType."""
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise UnsupportedMediaType("The file must be sent as it is, without a Content-Encoding.")
    sent: str = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if sent not in BODY_TYPES:
        raise UnsupportedMediaType(f"The file must be sent as one of {', '.join(BODY_TYPES)}.")
    return sent
