"""A small server that speaks the streaming format of the Chat Completions API."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Literal

from aiohttp import web

Step = dict[str, Any] | float | bytes | asyncio.Event | Literal["break"]
"""A chunk's `choices[0]`, a pause in seconds, raw bytes, what is waited for, or the end of the
connection."""


def text(content: str) -> Step:
    return {"index": 0, "delta": {"content": content}, "finish_reason": None}


def finish(reason: str) -> Step:
    return {"index": 0, "delta": {}, "finish_reason": reason}


def call(index: int, **delta: Any) -> Step:
    return {
        "index": 0,
        "delta": {"tool_calls": [{"index": index, **delta}]},
        "finish_reason": None,
    }


class ChatServer:
    """Answers each request with `script`, or with `status` where that is not 200.

    `choose` takes a request's JSON, and gives the script for it; by default `script`.
    `refusals`, a status, a Retry-After header and a body each, come first.
    """

    def __init__(self) -> None:
        self.script: list[Step] = []
        self.choose: Callable[[dict[str, Any]], list[Step]] = lambda _request: self.script
        self.status = 200
        self.refusals: list[tuple[int, str | None, str]] = []
        self.requests: list[dict[str, Any]] = []
        self.bodies: list[bytes] = []
        self.ports: set[int] = set()
        """Of the connections that requests came by."""
        self.keys: list[str | None] = []
        self.sessions: list[str | None] = []
        self.traceparents: list[str | None] = []
        self.disconnected = asyncio.Event()
        self.url = ""

    async def complete(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(await request.json())
        assert request.transport is not None
        self.ports.add(request.transport.get_extra_info("peername")[1])
        self.keys.append(request.headers.get("Authorization"))
        self.sessions.append(request.headers.get("x-session-id"))
        self.traceparents.append(request.headers.get("traceparent"))
        self.bodies.append(await request.read())
        if self.refusals:
            status, retry_after, body = self.refusals.pop(0)
            headers = {"Retry-After": retry_after} if retry_after else {}
            return web.Response(status=status, headers=headers, text=body)
        if self.status != 200:
            error = {"error": {"message": "secret details", "type": "x", "code": None}}
            return web.json_response(error, status=self.status)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        try:
            for step in self.choose(self.requests[-1]):
                if step == "break":
                    request.transport.abort()
                    return response
                await self._take(step, response)
        except (ConnectionError, asyncio.CancelledError):
            self.disconnected.set()
            raise
        await response.write(b"data: [DONE]\n\n")
        return response

    async def _take(self, step: Step, response: web.StreamResponse) -> None:
        match step:
            case float():
                await asyncio.sleep(step)
            case bytes():
                await response.write(step)
            case asyncio.Event():
                await step.wait()
            case _:
                chunk = {
                    "id": "c",
                    "object": "chat.completion.chunk",
                    "created": 0,
                    "model": "m",
                    "choices": [step],
                }
                await response.write(f"data: {json.dumps(chunk)}\n\n".encode())


@asynccontextmanager
async def chat_server(
    configure: Callable[[ChatServer], None] = lambda server: None,
) -> AsyncIterator[ChatServer]:
    server = ChatServer()
    configure(server)
    app = web.Application()
    app.router.add_post("/v1/chat/completions", server.complete)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    try:
        yield server
    finally:
        await runner.cleanup()
