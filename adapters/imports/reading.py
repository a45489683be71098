"""Files as batches of parsed lines, read in a thread beside the event loop."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from itertools import islice
from typing import Any, BinaryIO, Final

from adapters.imports.columns import ColumnMapping, ParsedLine
from adapters.imports.customers import CUSTOMERS
from adapters.imports.deliveries import DELIVERIES
from adapters.imports.folding import LineMerger, reject_contradictions
from adapters.imports.kinds import ImportSchema
from adapters.imports.lines import FileFormat, read_lines
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

BATCH_SIZE: Final = 1000

IMPORT_SCHEMAS: Final[Mapping[ImportKind, ImportSchema[Any]]] = {
    ImportKind.STORES: STORES,
    ImportKind.PRODUCTS: PRODUCTS,
    ImportKind.STOCK: STOCK,
    ImportKind.CUSTOMERS: CUSTOMERS,
    ImportKind.DELIVERIES: DELIVERIES,
}
_FORMATS_BY_CONTENT_TYPE: Final = {
    "text/csv": FileFormat.CSV,
    "application/json": FileFormat.JSON,
    "application/x-ndjson": FileFormat.NDJSON,
}


class ImportFileReader:
    """Reads CSV, a JSON array or NDJSON; a content type decides, else how the file begins."""

    async def batches(
        self, kind: ImportKind, file: BinaryIO, options: ImportOptions
    ) -> AsyncIterator[Batch]:
        entries = await asyncio.to_thread(_read_entries, IMPORT_SCHEMAS[kind], file, options)
        while batch := await asyncio.to_thread(lambda: list(islice(entries, BATCH_SIZE))):
            yield batch


def _read_entries(
    kind: ImportSchema[Any], file: BinaryIO, options: ImportOptions
) -> Iterator[ImportEntry[Any] | RefusedLine]:
    columns = ColumnMapping(kind, options)
    lines = read_lines(file, _FORMATS_BY_CONTENT_TYPE.get(options.content_type), columns.is_used)
    told: Iterator[ParsedLine[Any] | RefusedLine] = (
        line if isinstance(line, RefusedLine) else columns.parse(line) for line in lines
    )
    return (
        LineMerger(kind.record_type).merge(told)
        if options.distinct
        else reject_contradictions(told)
    )
