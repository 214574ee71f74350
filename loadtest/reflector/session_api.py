"""Sessions by HTTP: `loadtest.reflected_session` has the messages."""

from collections.abc import Callable
from typing import Any

import msgspec
from aiohttp import web

from antiphon_proto.address import Address
from loadtest.host_clock import host_clock
from loadtest.reflected_session import (
    Session,
    SessionsEnded,
    SessionsGranted,
    SessionsWanted,
)
from loadtest.reflector.session_table import NoSessionsLeftError

MAX_REQUEST_BYTES = 65_536


def session_api(
    relay: Address,
    grant: Callable[[int], list[Session]],
    end: Callable[[int], bool],
    counters: Callable[[], dict[str, int]],
) -> web.Application:
    """`relay`: where callers send to; `grant` may raise NoSessionsLeftError."""

    async def grant_sessions(request: web.Request) -> web.Response:
        wanted = _read(await request.read(), SessionsWanted)
        try:
            sessions = grant(wanted.count)
        except NoSessionsLeftError as error:
            raise web.HTTPServiceUnavailable(text=str(error)) from error
        return _json(SessionsGranted(relay, host_clock(), sessions))

    async def end_sessions(request: web.Request) -> web.Response:
        ended = _read(await request.read(), SessionsEnded)
        return _json({"ended": sum(map(end, ended.numbers))})

    async def show_counters(_request: web.Request) -> web.Response:
        return _json(counters())

    application = web.Application(client_max_size=MAX_REQUEST_BYTES)
    application.router.add_post("/sessions", grant_sessions)
    application.router.add_post("/sessions/end", end_sessions)
    application.router.add_get("/counters", show_counters)
    return application


def _read(body: bytes, kind: type[Any]) -> Any:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise web.HTTPBadRequest(text=str(error)) from error


def _json(content: object) -> web.Response:
    return web.Response(body=msgspec.json.encode(content), content_type="application/json")
