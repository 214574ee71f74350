"""The clients of the load in calls with the peer, whose stack shares no code with theirs."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from aiohttp import web

from bench.measured_process import ProcessFailedError
from bench.peers.aiortc_transceiver import Calls
from bench.transceiver.frame_notes import read_notes
from bench.transceiver.generator import Generator, Service
from bench.transceiver.load_client import Habits

PATIENCE_S = 30.0
ENOUGH_PACKETS = 20
SPEECH = (b"\xfc\xff\xfe",)
"""A frame of silence: https://www.rfc-editor.org/rfc/rfc6716#section-3.1"""


@pytest.fixture
async def peer(tmp_path: Path) -> AsyncIterator[Service]:
    app = web.Application()
    app.add_routes([web.post("/v1/realtime/calls", Calls(str(tmp_path / "notes")).create)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    yield Service(f"http://{host}:{port}")
    await runner.cleanup()


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            await asyncio.sleep(0.02)


async def test_what_clients_say_reaches_the_engine_and_comes_back(
    peer: Service, tmp_path: Path
) -> None:
    generator = Generator(peer, Habits(SPEECH, named=True))
    try:
        await generator.place(2)
        generator.start()
        clients = generator.clients
        await until(lambda: all(each.arrivals.received > ENOUGH_PACKETS for each in clients))
        assert all(each.round_trips >= 2 for each in clients)
        assert all(each.arrivals.first_ns is not None for each in clients)
    finally:
        await generator.close()
    notes = tmp_path / "notes"
    await until(lambda: len(read_notes(notes)) == 2)
    for client in clients:
        media, at = read_notes(notes)[client.name or ""][0]
        assert media == 0.0
        assert at > client.spoken_at[0]


async def test_frames_are_lost_as_asked(peer: Service) -> None:
    generator = Generator(peer, Habits(SPEECH), lost_share=1.0)
    try:
        await generator.place(1)
        (client,) = generator.clients
        generator.start()
        await until(lambda: client.sent >= ENOUGH_PACKETS)
        await generator.stop()
        assert client.left_out == list(range(client.sent))
        assert client.arrivals.received == 0
    finally:
        await generator.close()


async def test_a_refused_call_says_why(peer: Service) -> None:
    generator = Generator(Service(f"{peer.url}/nowhere"), Habits(SPEECH))
    try:
        with pytest.raises(ProcessFailedError, match="404"):
            await generator.place(1)
    finally:
        await generator.close()
