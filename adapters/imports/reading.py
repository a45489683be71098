"""Files as batches of what their lines say. Reading happens beside the event loop."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from itertools import islice
from typing import Any, BinaryIO, Final

from adapters.imports.columns import Columns, Told
from adapters.imports.customers import CUSTOMERS
from adapters.imports.deliveries import DELIVERIES
from adapters.imports.folding import Folding, told_once
from adapters.imports.kinds import KindOfFile
from adapters.imports.lines import Format, read
from adapters.imports.products import PRODUCTS
from adapters.imports.stock import STOCK
from adapters.imports.stores import STORES
from service.administration.imports import (
    Batch,
    ImportEntry,
    ImportKind,
    ImportOptions,
    RefusedLine,
)

BATCH: Final = 1000

KINDS: Final[Mapping[ImportKind, KindOfFile[Any]]] = {
    ImportKind.STORES: STORES,
    ImportKind.PRODUCTS: PRODUCTS,
    ImportKind.STOCK: STOCK,
    ImportKind.CUSTOMERS: CUSTOMERS,
    ImportKind.DELIVERIES: DELIVERIES,
}
_CALLED: Final = {
    "text/csv": Format.CSV,
    "application/json": Format.JSON,
    "application/x-ndjson": Format.NDJSON,
}


class FileReading:
    """Reads CSV, a JSON array or NDJSON; a content type decides, else how the file begins."""

    async def batches(
        self, kind: ImportKind, file: BinaryIO, options: ImportOptions
    ) -> AsyncIterator[Batch]:
        entries = await asyncio.to_thread(_entries, KINDS[kind], file, options)
        while batch := await asyncio.to_thread(lambda: list(islice(entries, BATCH))):
            yield batch


def _entries(
    kind: KindOfFile[Any], file: BinaryIO, options: ImportOptions
) -> Iterator[ImportEntry[Any] | RefusedLine]:
    columns = Columns(kind, options)
    lines = read(file, _CALLED.get(options.content_type), columns.use)
    told: Iterator[Told[Any] | RefusedLine] = (
        line if isinstance(line, RefusedLine) else columns.tell(line) for line in lines
    )
    return Folding(kind.thing).folded(told) if options.distinct else told_once(told)
