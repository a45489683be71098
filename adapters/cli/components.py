"""The parts of the service, for a command that uses them and goes."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from adapters.main import Components, build_components
from adapters.settings import Settings

T = TypeVar("T")


def run_with_components(settings: Settings, do: Callable[[Components], Awaitable[T]]) -> T:
    """Runs `do` with the components and returns its result."""
    return asyncio.run(_run_with_components(settings, do))


async def _run_with_components(settings: Settings, do: Callable[[Components], Awaitable[T]]) -> T:
    house = build_components(settings)
    try:
        return await do(house)
    finally:
        await house.close()
