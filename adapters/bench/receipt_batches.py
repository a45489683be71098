"""Batches of receipts as tills send them, for the row of receipts."""

import random
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import count
from typing import Final
from uuid import uuid4

import msgspec

from adapters.bench.generators import build_post_request
from adapters.bench.scales import sku

RECEIPTS_PER_BATCH: Final = 500
LINES_PER_RECEIPT: Final = 3
BATCHES: Final = 8


def batch_requests(tills: Mapping[str, Mapping[str, str]], skus: int) -> Iterator[bytes]:
    """Yields requests without end, each with receipts of its own; `tills` are headers by store."""
    batches = [_build_batch(skus) for _ in range(BATCHES)]
    for number in count():
        body = batches[number % len(batches)].replace(b"@@@@", uuid4().hex.encode())
        name, till = list(tills.items())[number % len(tills)]
        yield build_post_request(f"/v1/stores/{name}/sales", dict(till), body)


def _build_batch(skus: int) -> bytes:
    """A batch whose receipts' ids still lack the name of the batch."""
    now = datetime.now(UTC)
    receipts = [
        {
            "id": f"@@@@-{number}",
            "kind": "sale",
            "occurred_at": now,
            "lines": [
                {
                    "sku": sku(random.randint(1, skus)),  # noqa: S311 - nothing secret
                    "quantity": 1,
                    "unit_price": {"amount": 1000, "currency": "EUR"},
                }
                for _ in range(LINES_PER_RECEIPT)
            ],
        }
        for number in range(RECEIPTS_PER_BATCH)
    ]
    return msgspec.json.encode({"sales": receipts})


def all_applied(answer: bytes) -> bool:
    """Whether every receipt of a batch was applied."""
    return answer.count(b'"applied"') == RECEIPTS_PER_BATCH
