"""Connections over loopback, in front of an exchange without anything behind it."""

import asyncio
import contextlib
import datetime
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from antiphon.development_certificate import development_certificate
from chassis.bound_socket import bind_tcp, bound_address
from chassis.host_port import HostPort
from tests.transceiver.sip.transport_driver import WORKERS, Host, Worker, names, request, response
from transceiver.sip.flow import Flow, SipTransport
from transceiver.sip.sip_drop import SipDrop
from transceiver.sip.streams import AT_ONCE, MAX_PINGS_AT_ONCE, connect, serve_streams
from transceiver.tls import TlsFiles, TlsListener

PATIENCE_S = 20.0
MINE = request("OPTIONS", to_tag=names(WORKERS[0]).tag())


async def until(happened: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not happened():
            await asyncio.sleep(0.005)


@dataclass
class Listener:
    worker: Worker
    port: int
    client_tls: ssl.SSLContext | None = None

    async def open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(
            "127.0.0.1",
            self.port,
            ssl=self.client_tls,
            server_hostname="sip.test" if self.client_tls else None,
        )


@pytest.fixture(params=[SipTransport.TCP, SipTransport.TLS])
async def listener(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Listener]:
    worker = Host().workers[WORKERS[0]]
    bound = bind_tcp("--sip", HostPort("127.0.0.1", 0))
    server_tls = client_tls = None
    if request.param is SipTransport.TLS:
        now = datetime.datetime.now(datetime.UTC)
        made = development_certificate(tmp_path, ["sip.test"], now)
        server_tls = TlsListener(TlsFiles(str(made.certificate), str(made.key))).context
        client_tls = ssl.create_default_context(cafile=str(made.certificate))
    server = await serve_streams(worker.exchange, request.param, bound, server_tls)
    yield Listener(worker, bound_address(bound).port, client_tls)
    server.close()
    worker.exchange.end_connections()


async def test_who_does_nothing_but_ping_is_cut_off(listener: Listener) -> None:
    reader, writer = await listener.open()
    writer.write(MAX_PINGS_AT_ONCE * b"\r\n\r\n")
    await writer.drain()
    assert await reader.readexactly(2 * MAX_PINGS_AT_ONCE) == MAX_PINGS_AT_ONCE * b"\r\n"
    writer.write(50_000 * b"\r\n\r\n")
    with contextlib.suppress(ConnectionError):
        while await reader.read(65536):
            pass
    assert listener.worker.counters.drops[SipDrop.FRAMING] == 1


async def test_others_get_their_turn_though_one_sends_much(listener: Listener) -> None:
    listener.worker.knows.add("127.0.0.1")
    _, writer = await listener.open()
    most = 0

    async def watch() -> None:
        nonlocal most
        heard = 0
        while heard < 1000:
            await asyncio.sleep(0)
            before, heard = heard, len(listener.worker.heard)
            most = max(most, heard - before)

    async with asyncio.timeout(PATIENCE_S):
        writer.write(MINE * 1000)
        await watch()
    assert most <= 2 * AT_ONCE
    writer.close()


async def test_messages_and_pings_come_and_answers_go(listener: Listener) -> None:
    reader, writer = await listener.open()
    writer.write(MINE[:40])
    await writer.drain()
    writer.write(MINE[40:] + MINE + b"\r\n\r\n")
    assert await reader.readexactly(2) == b"\r\n"
    [(first, flow), (second, _)] = listener.worker.heard
    assert first == second == MINE
    assert flow.connection != 0
    listener.worker.exchange.send(response(), flow)
    assert await reader.readexactly(len(response())) == response()
    writer.close()
    await until(lambda: listener.worker.lost == [flow])
    assert listener.worker.exchange.open_connections == 0


async def test_what_is_no_sip_ends_its_connection_alone(listener: Listener) -> None:
    other_reader, other = await listener.open()
    reader, writer = await listener.open()
    writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    with contextlib.suppress(ConnectionError):
        assert await reader.read() == b""
    assert listener.worker.counters.drops == {SipDrop.FRAMING: 1}
    other.write(MINE + b"\r\n\r\n")
    assert await other_reader.readexactly(2) == b"\r\n"
    assert len(listener.worker.heard) == 1
    other.close()


async def test_one_of_us_connects_to_another(listener: Listener) -> None:
    caller = Host().workers[WORKERS[0]]
    transport = SipTransport.TLS if listener.client_tls else SipTransport.TCP
    remote = ("127.0.0.1", listener.port)
    flow = await connect(caller.exchange, transport, remote, listener.client_tls, "sip.test")
    assert flow == Flow(WORKERS[0], transport, remote, 1)
    caller.exchange.send(MINE, flow)
    await until(lambda: bool(listener.worker.heard))
    caller.exchange.end_connections()
    await until(lambda: caller.lost == [flow])


@pytest.mark.parametrize("listener", [SipTransport.TLS], indirect=True)
async def test_a_peer_that_proves_to_be_somebody_else_is_not_spoken_to(
    listener: Listener,
) -> None:
    caller = Host().workers[WORKERS[0]]
    remote = ("127.0.0.1", listener.port)
    assert (
        await connect(caller.exchange, SipTransport.TLS, remote, listener.client_tls, "other.test")
        is None
    )
    assert caller.exchange.open_connections == 0


async def test_nobody_is_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        remote = gone.getsockname()
    worker = Host().workers[WORKERS[0]]
    assert await connect(worker.exchange, SipTransport.TCP, remote, None, "gone.test") is None
