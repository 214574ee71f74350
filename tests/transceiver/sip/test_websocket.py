"""SIP over WebSockets, by a client that is not ours."""

from collections.abc import AsyncIterator

import pytest
import websockets
from aiohttp import web

from tests.transceiver.sip.test_streams import MINE, until
from tests.transceiver.sip.transport_driver import WORKERS, Host, Worker, response
from transceiver.signaling.cors import AllowedOrigins
from transceiver.signaling.errors import error_middleware
from transceiver.sip.flow import SipTransport
from transceiver.sip.sip_drop import SipDrop
from transceiver.sip.stream_framing import MAX_MESSAGE_BYTES
from transceiver.sip.websocket import SipWebSockets

ORIGIN = "https://phone.example"
SIP = websockets.Subprotocol("sip")


@pytest.fixture
def worker() -> Worker:
    return Host().workers[WORKERS[0]]


@pytest.fixture
async def url(worker: Worker) -> AsyncIterator[str]:
    app = web.Application(middlewares=[error_middleware])
    app.add_routes(SipWebSockets(worker.exchange, AllowedOrigins.parse(ORIGIN)).routes())
    runner = web.AppRunner(app, shutdown_timeout=0.2, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"ws://127.0.0.1:{runner.addresses[0][1]}/sip"
    await runner.cleanup()


async def test_messages_come_and_go(worker: Worker, url: str) -> None:
    async with websockets.connect(url, subprotocols=[SIP], origin=ORIGIN) as socket:
        await socket.send(MINE)
        await socket.send(b"\r\n\r\n")
        await socket.send(MINE.decode())
        await until(lambda: len(worker.heard) == 2)
        [(first, flow), (second, _)] = worker.heard
        assert first == second == MINE
        assert flow.transport is SipTransport.WS
        worker.exchange.send(response(), flow)
        assert await socket.recv() == response().decode()
        worker.exchange.send(response() + b"\xff", flow)
        assert await socket.recv() == response() + b"\xff"
    await until(lambda: worker.lost == [flow])
    assert worker.exchange.open_connections == 0


async def test_one_that_we_end_is_over(worker: Worker, url: str) -> None:
    async with websockets.connect(url, subprotocols=[SIP]) as socket:
        await socket.send(MINE)
        await until(lambda: bool(worker.heard))
        worker.exchange.end_connections()
        await socket.wait_closed()
    await until(lambda: len(worker.lost) == 1)


@pytest.mark.parametrize(
    ("subprotocols", "origin", "status"),
    [([SIP], "https://other.example", 403), (["realtime"], ORIGIN, 400), (None, ORIGIN, 400)],
)
async def test_who_is_not_let_in(
    url: str, subprotocols: list[websockets.Subprotocol] | None, origin: str, status: int
) -> None:
    with pytest.raises(websockets.InvalidStatus) as refused:
        await websockets.connect(url, subprotocols=subprotocols, origin=websockets.Origin(origin))
    assert refused.value.response.status_code == status


async def test_a_message_that_is_too_long_ends_its_connection(worker: Worker, url: str) -> None:
    async with websockets.connect(url, subprotocols=[SIP]) as socket:
        await socket.send(bytes(MAX_MESSAGE_BYTES + 1))
        await socket.wait_closed()
        assert socket.close_code == 1009
    assert worker.counters.drops == {SipDrop.TOO_LONG: 1}
