"""The output of the demo: a sentence, the request, and the relevant fields of the answer."""

import asyncio
import json
import textwrap
import time
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

import httpx
from msgspec import Struct
from rich.console import Console
from rich.highlighter import JSONHighlighter
from rich.text import Text

MAX_ITEMS: Final = 3
WIDTH: Final = 96
TIMEOUT_SECONDS: Final = 60
POLL_INTERVAL_SECONDS: Final = 0.2
INDENT: Final = "    "


class StoryFailed(Exception):
    """The service answered otherwise than the story expects."""


class Actor(Struct, frozen=True):
    """An actor of the story, with the headers of its requests."""

    name: str
    headers: Mapping[str, str]


class Narrator:
    """Asks the shop and shows both sides, step by step."""

    def __init__(self, client: httpx.AsyncClient, console: Console) -> None:
        self._client = client
        self._console = console
        self._steps = 0

    def print_step(self, sentence: str) -> None:
        """The next step, in a sentence."""
        self._steps += 1
        self._console.print()
        self._console.print(Text(f"{self._steps:>2}. {sentence}", "bold"))

    def print_note(self, words: str) -> None:
        lines = [textwrap.fill(line, WIDTH) for line in words.splitlines()]
        self._print(Text("\n".join(lines), "italic"))

    async def request(
        self,
        who: Actor,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str = "",
        show: Collection[str] = (),
        expect: int = 200,
    ) -> Any:
        """Returns the answer of the service; the fields in `show` are printed, at any depth.

        Raises:
            StoryFailed: the answer has another status than expected.
        """
        headers = {**who.headers, "Idempotency-Key": key} if key else who.headers
        answer = await self._client.request(method, path, json=body, headers=headers)
        told = answer.json()
        self._print_request(who, method, path, body, key)
        replayed = answer.headers.get("Idempotent-Replayed") == "true"
        self._print_answer(
            answer.status_code, select_fields(told, frozenset(show)), replayed=replayed
        )
        if answer.status_code != expect:
            raise StoryFailed(f"{method} {path}: {expect} was expected. {answer.text}")
        return told

    async def get(self, who: Actor, path: str) -> Any:
        """Returns the resource at `path` without printing anything."""
        answer = await self._client.get(path, headers=who.headers)
        if answer.status_code != httpx.codes.OK:
            raise StoryFailed(f"GET {path}: {answer.text}")
        return answer.json()

    async def wait_until(self, who: Actor, path: str, fits: Callable[[Any], bool]) -> None:
        """Look at `path` until its answer fits.

        Raises:
            StoryFailed: it never did.
        """
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while time.monotonic() < deadline:
            if fits(await self.get(who, path)):
                return
            await asyncio.sleep(POLL_INTERVAL_SECONDS)
        raise StoryFailed(f"GET {path}: waited {TIMEOUT_SECONDS} s in vain.")

    def _print_request(self, who: Actor, method: str, path: str, body: Any, key: str) -> None:
        line = Text.assemble((f"{method} ", "cyan bold"), (path, "cyan"), (f"  {who.name}", "dim"))
        if key:
            line.append(f"  Idempotency-Key: {key}", "dim")
        self._print(line)
        if body:
            self._print_json(body)

    def _print_answer(self, status: int, told: Any, *, replayed: bool) -> None:
        colour = "green" if status < httpx.codes.BAD_REQUEST else "yellow"
        line = Text(str(status), f"{colour} bold")
        if replayed:
            line.append("  Idempotent-Replayed: true", "dim")
        self._print(line)
        if told:
            self._print_json(told)

    def _print_json(self, value: Any) -> None:
        self._print(JSONHighlighter()(Text(_format_json(value))))

    def _print(self, text: Text) -> None:
        for line in text.split("\n"):
            self._console.print(Text(INDENT).append_text(line), soft_wrap=True)


def select_fields(told: Any, show: Collection[str]) -> Any:
    """Selects the fields in `show` at every depth, and the first items of each list."""
    if isinstance(told, dict):
        return {name: select_fields(value, show) for name, value in told.items() if name in show}
    if isinstance(told, list):
        rest = [f"… {len(told) - MAX_ITEMS} more"] if len(told) > MAX_ITEMS else []
        return [select_fields(item, show) for item in told[:MAX_ITEMS]] + rest
    return told


def _format_json(value: Any, indent: int = 0) -> str:
    """JSON with each thing on one line that fits there."""
    line = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, dict | list) or indent + len(line) <= WIDTH:
        return line
    if isinstance(value, list):
        left, right, names = "[", "]", [""] * len(value)
    else:
        left, right, names = "{", "}", [f"{json.dumps(name)}: " for name in value]
    parts = value.values() if isinstance(value, dict) else value
    pad = " " * (indent + 2)
    rows = [
        f"{pad}{name}{_format_json(part, indent + 2)}"
        for name, part in zip(names, parts, strict=True)
    ]
    return "\n".join([left, ",\n".join(rows), " " * indent + right])
