"""The parts of the service, for a command that uses them and goes."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from adapters.main import House, open_house
from adapters.settings import Settings

T = TypeVar("T")


def in_house(settings: Settings, do: Callable[[House], Awaitable[T]]) -> T:
    """What `do` gives when it is handed the parts."""
    return asyncio.run(_in_house(settings, do))


async def _in_house(settings: Settings, do: Callable[[House], Awaitable[T]]) -> T:
    house = open_house(settings)
    try:
        return await do(house)
    finally:
        await house.close()
