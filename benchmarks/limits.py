"""The limits: applications that do nothing but send, under the server settings of the kit.

    python -m benchmarks.limits NAME PORT [SIZE COUNT]

SIZE and COUNT: bytes of a chunk, and chunks of a stream.
"""

from __future__ import annotations

import asyncio
import gc
import sys
from typing import Any

import uvicorn
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

BODY = b'{"text":"' + b"x" * 589 + b'"}'
GAP = 0.02
JSON = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(BODY))]
EVENTS = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-cache")]


async def _read(receive: Receive) -> None:
    while (await receive()).get("more_body"):
        pass


async def bare(scope: Scope, receive: Receive, send: Send) -> None:
    """A fixed body of 600 bytes."""
    await _read(receive)
    await send({"type": "http.response.start", "status": 200, "headers": JSON})
    await send({"type": "http.response.body", "body": BODY})


async def starlette(scope: Scope, receive: Receive, send: Send) -> None:
    """Starlette's own answer with a value of that size."""
    await _read(receive)
    await JSONResponse({"text": "x" * 589})(scope, receive, send)


def stream(size: int, count: int, gap: float) -> ASGIApp:
    """`count` chunks of `size` bytes, one send for each, `gap` seconds apart by the clock."""
    chunk = b"data: " + b"x" * (size - 8) + b"\n\n"

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await _read(receive)
        await send({"type": "http.response.start", "status": 200, "headers": EVENTS})
        clock = asyncio.get_running_loop().time
        start = clock()
        for index in range(count):
            if gap:
                await asyncio.sleep(max(0.0, start + index * gap - clock()))
            message: dict[str, Any] = {"type": "http.response.body", "body": chunk}
            await send(message | {"more_body": index < count - 1})

    return application


def main(name: str, port: int, size: int = 220, count: int = 64) -> None:
    """Serves one of them until it is ended."""
    fixed: dict[str, ASGIApp] = {"bare": bare, "starlette": starlette}
    gap = GAP if name == "paced" else 0.0
    application = fixed[name] if name in fixed else stream(size, count, gap)
    gc.collect()
    gc.freeze()
    uvicorn.run(
        application,
        port=port,
        log_level="critical",
        access_log=False,
        lifespan="off",
        ws="none",
        backlog=2048,
        server_header=False,
    )


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
