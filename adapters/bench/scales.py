"""The scales of the data set that a benchmark measures."""

from typing import Final

from msgspec import Struct


class Scale(Struct, frozen=True):
    """`accounts` is the scale of pgbench's own tables; `entries` are each member's."""

    skus: int
    stores: int
    members: int
    entries: int
    streams: int
    accounts: int


SCALES: Final = {
    "tiny": Scale(skus=100, stores=5, members=400, entries=2, streams=20, accounts=1),
    "normal": Scale(skus=10_000, stores=50, members=20_000, entries=20, streams=1000, accounts=64),
    "large": Scale(
        skus=10_000, stores=50, members=1_000_000, entries=20, streams=1000, accounts=64
    ),
}


def sku(number: int) -> str:
    return f"SKU-{number:05d}"


def store(number: int) -> str:
    return f"ST-{number:03d}"


def customer(number: int) -> str:
    return f"cus_{number:026d}"
