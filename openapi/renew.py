"""Writes what is kept of the promise: `python -m openapi.renew`, or `make openapi`."""

import asyncio
import json
from pathlib import Path
from typing import Any, Final

import httpx
import msgspec

from adapters.main import build_app, open_house
from adapters.settings import Secret, Settings
from domain.events import Event

HERE: Final = Path(__file__).parent


async def documents() -> dict[str, str]:
    """Each kept file, as it ought to be now."""
    return {
        "openapi.yaml": await served(),
        "events.json": json.dumps(events(), indent=2, ensure_ascii=False) + "\n",
    }


async def served() -> str:
    """The contract, asked of the application itself; for that it needs no database."""
    nowhere = Settings(database_url=Secret("postgresql+asyncpg://"), secret=Secret("-" * 32))
    house = open_house(nowhere)
    transport = httpx.ASGITransport(app=build_app(house))
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
        answer = await client.get("/schema/openapi.yaml")
    await house.close()
    return answer.raise_for_status().text


def events() -> dict[str, Any]:
    """JSON Schema of every event that leaves the shop."""
    schema = msgspec.json.schema(Event)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Event", **schema}


def main() -> None:
    for name, text in asyncio.run(documents()).items():
        (HERE / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
