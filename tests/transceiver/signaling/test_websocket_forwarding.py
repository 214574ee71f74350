"""WebSockets for a call of another worker: the fixtures' server, and an owner that does as told."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import aiohttp
import pytest
from aiohttp import WSMsgType, web

from antiphon_proto.address import Address
from tests.transceiver.signaling.conftest import (
    API_KEY,
    CLUSTER_KEYS,
    Client,
    Server,
    bearer,
    error_of,
)
from transceiver.signaling import websocket_forwarding
from transceiver.signaling.call_id import CallIds
from transceiver.signaling.errors import ApiError, error_middleware
from transceiver.signaling.websocket_forwarding import GONE, LOST

PATIENCE_S = 10.0
OwnerSocket = web.WebSocketResponse
Behaviour = Callable[[OwnerSocket], Awaitable[None]]


@dataclass
class Owner:
    """The other worker: serves each WebSocket as `behave` does."""

    call_id: str = ""
    requests: list[web.Request] = field(default_factory=list)
    refusal: ApiError | None = None
    redirect: str = ""
    behave: Behaviour | None = None
    ends: "asyncio.Queue[tuple[int | None, str]]" = field(default_factory=asyncio.Queue)
    """Codes and reasons of the close frames that came."""

    async def serve(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        if self.refusal:
            raise self.refusal
        if self.redirect:
            return web.Response(status=307, headers={"Location": self.redirect})
        socket = web.WebSocketResponse(protocols=("realtime",), max_msg_size=0, timeout=0.2)
        await socket.prepare(request)
        await (self.behave or self.echo)(socket)
        return socket

    async def echo(self, socket: OwnerSocket) -> None:
        while True:
            message = await socket.receive()
            if message.type is WSMsgType.TEXT:
                await socket.send_str(message.data)
            elif message.type is WSMsgType.BINARY:
                await socket.send_bytes(message.data)
            else:
                closed = message.type is WSMsgType.CLOSE
                self.ends.put_nowait((message.data, message.extra or "") if closed else (None, ""))
                return

    @property
    def path(self) -> str:
        return f"/v1/realtime?call_id={self.call_id}"


@pytest.fixture
async def owner() -> AsyncIterator[Owner]:
    owner = Owner()
    app = web.Application(middlewares=[error_middleware])
    app.add_routes([web.get("/v1/realtime", owner.serve)])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    address: Address = ("127.0.0.1", runner.addresses[0][1])
    owner.call_id = CallIds(CLUSTER_KEYS).mint(address, bytes(12))
    async with asyncio.timeout(PATIENCE_S):
        yield owner
    await runner.cleanup()


async def connected(
    client: Client, owner: Owner, protocols: tuple[str, ...] = ()
) -> aiohttp.ClientWebSocketResponse:
    return await client.session.ws_connect(
        owner.path, headers=client.authorization, protocols=protocols, max_msg_size=0
    )


async def test_messages_go_both_ways_as_they_are(client: Client, owner: Owner) -> None:
    socket = await connected(client, owner)
    await socket.send_str('{"type": "ä"}')
    assert await socket.receive_str() == '{"type": "ä"}'
    large = bytes(5 << 20)
    await socket.send_bytes(large)
    assert await socket.receive_bytes() == large
    await socket.close(code=4000, message=b"enough")
    assert await owner.ends.get() == (4000, "enough")


async def test_the_owner_is_told_what_the_request_said(client: Client, owner: Owner) -> None:
    names = ("realtime", f"openai-insecure-api-key.{API_KEY}")
    headers = {"Origin": "https://app.example", "Cookie": "a=b", "X-Forwarded-For": "::1"}
    socket = await client.session.ws_connect(
        owner.path + "&more=1", headers=headers, protocols=names
    )
    assert socket.protocol == "realtime"
    [asked] = owner.requests
    assert asked.query == {"call_id": owner.call_id, "more": "1"}
    assert asked.headers["Origin"] == "https://app.example"
    assert asked.headers["Sec-WebSocket-Protocol"].replace(" ", "") == ",".join(names)
    assert not {"Cookie", "X-Forwarded-For"} & set(asked.headers)
    await socket.close()
    assert await owner.ends.get() == (1000, "")


async def test_a_refusal_comes_back_as_the_owner_words_it(client: Client, owner: Owner) -> None:
    owner.refusal = ApiError(429, "Too many.", code="many", headers={"Retry-After": "3"})
    headers = {**client.authorization, **UPGRADE}
    async with client.session.get(owner.path, headers=headers) as response:
        assert (await error_of(response, 429))["code"] == "many"
        assert response.headers["Retry-After"] == "3"


async def test_a_redirect_is_handed_back_and_not_followed(client: Client, owner: Owner) -> None:
    owner.redirect = "/v1/realtime?elsewhere"
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    upgrade |= {"Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA=="}
    response = await client.session.get(
        owner.path, headers={**client.authorization, **upgrade}, allow_redirects=False
    )
    assert (response.status, response.headers["Location"]) == (307, owner.redirect)
    assert [request.query_string for request in owner.requests] == [f"call_id={owner.call_id}"]


async def test_what_is_no_upgrade_is_not_forwarded(client: Client, owner: Owner) -> None:
    assert (await error_of(await client.get(owner.path), 426))["code"] is None
    assert owner.requests == []


async def test_the_owners_end_is_the_clients(client: Client, owner: Owner) -> None:
    async def end(socket: OwnerSocket) -> None:
        await socket.send_str("last")
        await socket.close(code=1008, message=b"unread")

    owner.behave = end
    socket = await connected(client, owner)
    assert await socket.receive_str() == "last"
    message = await socket.receive()
    assert (message.type, message.data, message.extra) == (WSMsgType.CLOSE, 1008, "unread")


async def test_an_owner_that_is_gone_is_told_from_one_that_ended(
    client: Client, owner: Owner
) -> None:
    async def die(_socket: OwnerSocket) -> None:
        transport = owner.requests[0].transport
        assert transport is not None
        transport.abort()

    owner.behave = die
    socket = await connected(client, owner)
    message = await socket.receive()
    assert (message.type, message.data) == (WSMsgType.CLOSE, GONE)


async def test_a_client_that_is_gone_is_told_from_one_that_ended(
    client: Client, owner: Owner
) -> None:
    socket = await connected(client, owner)
    transport = socket._response.connection and socket._response.connection.transport
    assert transport is not None
    transport.abort()
    assert (await owner.ends.get())[0] == LOST


async def test_the_end_of_the_worker_in_between_is_told_to_both(
    client: Client, server: Server, owner: Owner
) -> None:
    socket = await connected(client, owner)
    stopping = asyncio.create_task(server.runner.cleanup())
    message = await socket.receive()
    assert (message.type, message.data) == (WSMsgType.CLOSE, GONE)
    assert (await owner.ends.get())[0] == LOST
    await stopping


async def test_a_client_that_does_not_read_stops_the_owner(client: Client, owner: Owner) -> None:
    """What is on its way is bounded by the buffers in between, and nothing is lost of it."""
    sent = 0
    chunk = bytes(1 << 20)

    async def talk(socket: OwnerSocket) -> None:
        nonlocal sent
        with contextlib.suppress(ConnectionError):
            while sent < 256:
                await socket.send_bytes(chunk)
                sent += 1

    owner.behave = talk
    socket = await connected(client, owner)
    before = -1
    while before != sent:  # Until it is stuck.
        before = sent
        await asyncio.sleep(0.2)
    assert 0 < sent < 64
    for _ in range(256):
        assert len(await socket.receive_bytes()) == len(chunk)


async def test_so_many_are_forwarded_and_no_more(
    client: Client, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(websocket_forwarding, "MAX_FORWARDED", 1)
    socket = await connected(client, owner)
    headers = {**client.authorization, **UPGRADE}
    async with client.session.get(owner.path, headers=headers) as response:
        assert (await error_of(response, 503))["code"] == "at_capacity"
    await socket.close()
    await owner.ends.get()
    await asyncio.sleep(0.05)
    await (await connected(client, owner)).close()


async def test_an_owner_that_is_no_more_has_no_call(client: Client) -> None:
    listening = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    address = listening.sockets[0].getsockname()
    listening.close()
    await listening.wait_closed()
    call_id = CallIds(CLUSTER_KEYS).mint(address, bytes(12))
    headers = {**bearer(API_KEY), **UPGRADE}
    async with client.session.get(f"/v1/realtime?call_id={call_id}", headers=headers) as response:
        assert (await error_of(response, 404))["code"] == "call_not_found"


UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
}


async def test_who_says_its_end_and_is_gone_at_once_has_said_it(
    client: Client, owner: Owner
) -> None:
    for _ in range(30):
        socket = await connected(client, owner)
        transport = socket._response.connection and socket._response.connection.transport
        assert transport is not None
        await socket._writer.close(4000, b"enough")
        transport.close()
        assert await owner.ends.get() == (4000, "enough")
