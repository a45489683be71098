"""The smallest application that can be slow, stream and say good-bye, served as the real one is."""

import asyncio
import os
import sys
import time
from functools import partial
from pathlib import Path

from adapters import logs
from adapters.cli.options import load_settings, with_database
from adapters.cli.server import serve
from adapters.drain import Drain, draining


class TinyShop:
    def __init__(self, data: Path) -> None:
        self.data = data
        self.drain: Drain | None = None

    async def __call__(self, scope, receive, send) -> None:
        if scope["type"] == "lifespan":
            await self.live(receive, send)
            return
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        match scope["path"]:
            case "/slow":
                await self.say(send, "slow ", more=True)
                await asyncio.sleep(1.5)
                await self.say(send, "but done")
            case "/stream":
                await self.stream(send)
            case "/stuck":
                await self.say(send, "stuck", more=True)
                await asyncio.sleep(3600)
            case _:
                await self.say(send, str(os.getpid()))

    async def live(self, receive, send) -> None:
        await receive()
        async with draining() as self.drain:
            await send({"type": "lifespan.startup.complete"})
            await receive()
        (self.data / f"closed-{os.getpid()}").touch()
        await send({"type": "lifespan.shutdown.complete"})

    async def stream(self, send) -> None:
        assert self.drain is not None
        await self.say(send, "hello\n", more=True)
        while await self.drain.run_until_stopping(asyncio.sleep(0.1, "tick")):
            await self.say(send, "tick\n", more=True)
        await self.say(send, "good-bye\n")

    async def say(self, send, text: str, *, more: bool = False) -> None:
        await send({"type": "http.response.body", "body": text.encode(), "more_body": more})


def make(data: Path, boot_s: float) -> TinyShop:
    time.sleep(boot_s)
    return TinyShop(data)


if __name__ == "__main__":
    data, port, workers, stop_seconds, boot_s = sys.argv[1:]
    settings = load_settings(
        Path(data), None, port=port, workers=workers, shutdown_timeout_seconds=stop_seconds
    )
    logs.configure(settings.log_level)
    with with_database(settings) as ready:
        serve(ready, partial(make, Path(data), float(boot_s)))
