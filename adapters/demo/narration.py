"""How the story is told: a sentence, the request, and what of the answer matters."""

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

MOST_ITEMS: Final = 3
WIDTH: Final = 96
PATIENCE_S: Final = 60
PAUSE_S: Final = 0.2
INDENT: Final = "    "


class StoryBroken(Exception):
    """The shop answered otherwise than the story says."""


class Who(Struct, frozen=True):
    """Somebody in the story, and the headers they call with."""

    name: str
    headers: Mapping[str, str]


class Teller:
    """Asks the shop and shows both sides, step by step."""

    def __init__(self, client: httpx.AsyncClient, console: Console) -> None:
        self._client = client
        self._console = console
        self._steps = 0

    def say(self, sentence: str) -> None:
        """The next step, in a sentence."""
        self._steps += 1
        self._console.print()
        self._console.print(Text(f"{self._steps:>2}. {sentence}", "bold"))

    def note(self, words: str) -> None:
        lines = [textwrap.fill(line, WIDTH) for line in words.splitlines()]
        self._print(Text("\n".join(lines), "italic"))

    async def ask(
        self,
        who: Who,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str = "",
        show: Collection[str] = (),
        expect: int = 200,
    ) -> Any:
        """What the shop answers; the fields in `show` are shown, whatever they lie in.

        Raises:
            StoryBroken: the answer has another status than expected.
        """
        headers = {**who.headers, "Idempotency-Key": key} if key else who.headers
        answer = await self._client.request(method, path, json=body, headers=headers)
        told = answer.json()
        self._request(who, method, path, body, key)
        replayed = answer.headers.get("Idempotent-Replayed") == "true"
        self._answer(answer.status_code, picked(told, frozenset(show)), replayed=replayed)
        if answer.status_code != expect:
            raise StoryBroken(f"{method} {path}: {expect} was expected. {answer.text}")
        return told

    async def look(self, who: Who, path: str) -> Any:
        """What is at `path`, without a word about it."""
        answer = await self._client.get(path, headers=who.headers)
        if answer.status_code != httpx.codes.OK:
            raise StoryBroken(f"GET {path}: {answer.text}")
        return answer.json()

    async def wait_for(self, who: Who, path: str, fits: Callable[[Any], bool]) -> None:
        """Look at `path` until its answer fits.

        Raises:
            StoryBroken: it never did.
        """
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            if fits(await self.look(who, path)):
                return
            await asyncio.sleep(PAUSE_S)
        raise StoryBroken(f"GET {path}: waited {PATIENCE_S} s in vain.")

    def _request(self, who: Who, method: str, path: str, body: Any, key: str) -> None:
        line = Text.assemble((f"{method} ", "cyan bold"), (path, "cyan"), (f"  {who.name}", "dim"))
        if key:
            line.append(f"  Idempotency-Key: {key}", "dim")
        self._print(line)
        if body:
            self._show(body)

    def _answer(self, status: int, told: Any, *, replayed: bool) -> None:
        colour = "green" if status < httpx.codes.BAD_REQUEST else "yellow"
        line = Text(str(status), f"{colour} bold")
        if replayed:
            line.append("  Idempotent-Replayed: true", "dim")
        self._print(line)
        if told:
            self._show(told)

    def _show(self, value: Any) -> None:
        self._print(JSONHighlighter()(Text(_laid_out(value))))

    def _print(self, text: Text) -> None:
        for line in text.split("\n"):
            self._console.print(Text(INDENT).append_text(line), soft_wrap=True)


def picked(told: Any, show: Collection[str]) -> Any:
    """Of what was told, the fields in `show` at every depth, and the first items of each list."""
    if isinstance(told, dict):
        return {name: picked(value, show) for name, value in told.items() if name in show}
    if isinstance(told, list):
        rest = [f"… {len(told) - MOST_ITEMS} more"] if len(told) > MOST_ITEMS else []
        return [picked(item, show) for item in told[:MOST_ITEMS]] + rest
    return told


def _laid_out(value: Any, indent: int = 0) -> str:
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
        f"{pad}{name}{_laid_out(part, indent + 2)}" for name, part in zip(names, parts, strict=True)
    ]
    return "\n".join([left, ",\n".join(rows), " " * indent + right])
