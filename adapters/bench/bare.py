"""The bare server, the upper bound: `python -m adapters.bench.bare KIND PORT SIZE`."""

import asyncio
import sys
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from granian.constants import Interfaces, Loops
from granian.server import Server
from litestar import Litestar, get


def fixed_response(size: int) -> Any:
    """A bare ASGI callable that always answers the same bytes."""
    body = b"x" * size
    start = {
        "type": "http.response.start",
        "status": 200,
        "headers": [
            (b"content-type", b"application/json"),
            (b"content-length", str(size).encode()),
        ],
    }

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await _run_lifespan(receive, send)
            return
        await send(start)
        await send({"type": "http.response.body", "body": body, "more_body": False})

    return app


def broadcast(size: int) -> Any:
    """A bare ASGI callable: a POST sends the same bytes to everybody whose GET is open."""
    listening: set[asyncio.Queue[bytes]] = set()
    event = b"data: " + b"x" * (size - 8) + b"\n\n"

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await _run_lifespan(receive, send)
            return
        await send({"type": "http.response.start", "status": 200, "headers": []})
        if scope["method"] == "POST":
            for each in listening:
                each.put_nowait(event)
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            return
        queue: asyncio.Queue[bytes] = asyncio.Queue()
        listening.add(queue)
        await send({"type": "http.response.body", "body": b":\n\n", "more_body": True})
        while True:
            body = await queue.get()
            await send({"type": "http.response.body", "body": body, "more_body": True})

    return app


def litestar_response(size: int) -> Any:
    """The framework with nothing in it but one handler."""

    @get("/", sync_to_thread=False)
    def look() -> str:
        return "x" * size

    return Litestar([look], openapi_config=None)


KINDS: Final[dict[str, Callable[[int], Any]]] = {
    "fixed": fixed_response,
    "broadcast": broadcast,
    "litestar": litestar_response,
}


async def _run_lifespan(receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})


def main() -> None:
    kind, port, size = sys.argv[1:]
    server = Server(
        "bare",
        address="127.0.0.1",
        port=int(port),
        interface=Interfaces.ASGI,
        loop=Loops.uvloop,
        log_enabled=False,
        workers_kill_timeout=1,
    )
    server.serve(target_loader=partial(_load, kind, int(size)), wrap_loader=False)


def _load(kind: str, size: int) -> Any:
    return KINDS[kind](size)


if __name__ == "__main__":
    main()
