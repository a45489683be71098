"""Sends the requests of a scenario and writes down each with its answer."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import quote

import httpx
from msgspec import Struct, field

from tests.recording.normal import Normaliser

PLAIN: Final = (
    "allow",
    "cache-control",
    "content-language",
    "content-type",
    "deprecation",
    "etag",
    "idempotent-replayed",
    "link",
    "location",
    "sunset",
    "vary",
    "www-authenticate",
)
"""Headers of an answer whose value is recorded."""
PRESENT: Final = ("ratelimit", "ratelimit-policy", "retry-after", "x-request-id")
"""Headers of an answer whose value depends on time: only their presence is recorded."""
PATIENCE_S: Final = 15.0

Headers = dict[str, str]
Condition = Callable[[httpx.Response], bool]


class Caller(Struct, frozen=True):
    """A named principal and the headers it calls with."""

    name: str
    headers: Headers = field(default_factory=dict)

    def with_(self, name: str, **headers: str) -> "Caller":
        """The same principal with more headers: `Cart_Token` is the header Cart-Token."""
        more = {header.replace("_", "-"): value for header, value in headers.items()}
        return Caller(f"{self.name}+{name}", self.headers | more)


NOBODY: Final = Caller("no credentials")


class Recorder:
    """Talks to one server over HTTP; `entries` are the recorded requests by scenario."""

    def __init__(self, client: httpx.Client, normal: Normaliser) -> None:
        self.client = client
        self.normal = normal
        self.entries: dict[str, list[dict[str, Any]]] = {}
        self._scenario = ""
        self._keys = 0

    def begin(self, scenario: str) -> None:
        self._scenario, self._keys = scenario, 0
        self.entries[scenario] = []

    def fresh(self) -> str:
        """An Idempotency-Key that no other request has, the same in every recording."""
        self._keys += 1
        return f"{self._scenario}-{self._keys}"

    def ask(
        self,
        method: str,
        template: str,
        by: Caller = NOBODY,
        body: Any = None,
        /,
        *,
        query: dict[str, Any] | None = None,
        key: str | None = None,
        match: str | None = None,
        headers: Headers | None = None,
        raw: str | None = None,
        until: Condition | None = None,
        show: Callable[[httpx.Response], Any] | None = None,
        **names: str,
    ) -> httpx.Response:
        """Sends one request and records it.

        `until` repeats a read until its answer is the expected one: what a job does in the
        background is awaited, not timed. `show` records a part of the body.
        """
        sent = dict(headers or {})
        if key:
            sent["Idempotency-Key"] = key
        if match:
            sent["If-Match"] = match
        path = template.format(**{name: quote(value, safe="") for name, value in names.items()})
        options: dict[str, Any] = {"params": query, "headers": by.headers | sent}
        if raw is not None:
            options["content"] = raw.encode()
        elif body is not None:
            options["json"] = body
        answer = self._send(method, path, options, until)
        request = {"by": by.name, "headers": sent, "query": query or {}, "sent": raw or body}
        self.note(f"{method} {template}", path, request, answer, (show or _body)(answer))
        return answer

    def get(self, template: str, by: Caller = NOBODY, /, **more: Any) -> httpx.Response:
        return self.ask("GET", template, by, **more)

    def post(
        self, template: str, by: Caller = NOBODY, body: Any = None, /, **more: Any
    ) -> httpx.Response:
        return self.ask("POST", template, by, {} if body is None else body, **more)

    def move(
        self, template: str, by: Caller = NOBODY, body: Any = None, /, **more: Any
    ) -> httpx.Response:
        """A write that needs an Idempotency-Key, with a fresh one."""
        return self.post(template, by, body, key=self.fresh(), **more)

    def put(
        self, template: str, by: Caller = NOBODY, body: Any = None, /, **more: Any
    ) -> httpx.Response:
        return self.ask("PUT", template, by, body, **more)

    def patch(
        self, template: str, by: Caller = NOBODY, body: Any = None, /, **more: Any
    ) -> httpx.Response:
        return self.ask("PATCH", template, by, body, **more)

    def delete(self, template: str, by: Caller = NOBODY, /, **more: Any) -> httpx.Response:
        return self.ask("DELETE", template, by, **more)

    def _send(
        self, method: str, path: str, options: dict[str, Any], until: Condition | None
    ) -> httpx.Response:
        deadline = time.monotonic() + PATIENCE_S
        while True:
            answer = self.client.request(method, path, **options)
            if until is None or until(answer) or time.monotonic() > deadline:
                return answer
            time.sleep(0.05)

    def note(
        self,
        name: str,
        path: str,
        request: dict[str, Any],
        answer: httpx.Response,
        body: Any,
    ) -> None:
        entry = {
            "request": name,
            "path": path,
            **{part: value for part, value in request.items() if value},
            "status": answer.status_code,
            "answered": _headers(answer),
            "body": body,
        }
        self.entries[self._scenario].append(self.normal.json(entry))

    @contextmanager
    def stream(
        self, template: str, by: Caller, query: dict[str, Any], **headers: str
    ) -> Iterator["Stream"]:
        """An open stream of server-sent events; what was read of it is recorded at the end."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        with self.client.stream("GET", template, params=query, headers=by.headers | sent) as answer:
            stream = Stream(answer.iter_lines())
            yield stream
            request = {"by": by.name, "query": query, "headers": sent}
            self.note(f"GET {template}", template, request, answer, stream.events)


class Stream:
    """Reads events one by one."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self.events: list[dict[str, Any]] = []
        self.last_id = ""

    def read(self, count: int) -> None:
        """Waits for `count` more events."""
        wanted, event = len(self.events) + count, dict[str, Any]()
        deadline = time.monotonic() + PATIENCE_S
        while len(self.events) < wanted:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{count} events were expected, {self.events} came")
            name, _, value = next(self._lines).partition(": ")
            if name == "data":
                event["data"] = json.loads(value)
            elif name == "id":
                self.last_id, event["id"] = value, "<cursor>"
            elif name == "event":
                event["event"] = value
            elif not name and event:
                self.events.append(event)
                event = {}


def _headers(answer: httpx.Response) -> Headers:
    plain = {name: answer.headers[name] for name in PLAIN if name in answer.headers}
    if "allow" in plain:
        plain["allow"] = ", ".join(sorted(plain["allow"].split(", ")))
    return plain | {name: "<present>" for name in PRESENT if name in answer.headers}


def _body(answer: httpx.Response) -> Any:
    if not answer.content:
        return None
    if "json" in answer.headers.get("content-type", ""):
        return answer.json()
    return answer.text
