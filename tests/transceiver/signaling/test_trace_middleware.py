"""Whose request a call comes of."""

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from chassis.tracing.trace_context import TraceContext
from transceiver.call_trace import asked_by
from transceiver.signaling.trace_middleware import TRACEPARENT, trace_middleware

TRACED = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


async def seen(*headers: dict[str, str]) -> list[TraceContext | None]:
    """What handlers of requests with these headers, one after another on a connection, find."""
    found: list[TraceContext | None] = []

    async def handler(_request: web.Request) -> web.Response:
        found.append(asked_by.get())
        return web.Response()

    app = web.Application(middlewares=[trace_middleware])
    app.add_routes([web.get("/", handler)])
    async with TestClient(TestServer(app)) as client:
        for each in headers:
            await client.get("/", headers=each)
    return found


async def test_a_request_that_is_traced_and_then_one_that_is_not() -> None:
    assert await seen({TRACEPARENT: TRACED}, {}) == [TraceContext.parse(TRACED), None]


@pytest.mark.parametrize("value", ["", "nonsense", TRACED.upper(), "0" * 600, TRACED + "-more"])
async def test_what_cannot_be_read_counts_as_not_sent(value: str) -> None:
    assert await seen({TRACEPARENT: value}) == [None]
