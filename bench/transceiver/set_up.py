"""What it takes to set up a call: CPU of the server, time, and round trips."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

import aiohttp

from bench.measured_process import ProcessFailedError
from bench.transceiver.contender import Clock, Contender
from bench.transceiver.event_channel import EventChannel
from bench.transceiver.generator import FRAME_S, connect, disconnect
from bench.transceiver.load_client import Habits, LoadClient
from transceiver.dtls import DtlsCertificate

IDLE_SECONDS = 1.0
PATIENCE_SECONDS = 10.0
HTTP_ROUND_TRIPS = 2
"""To open the connection of the POST, and the POST itself; without TLS."""


@dataclass(frozen=True, slots=True)
class Start:
    """How soon one call is heard."""

    post_to_media_seconds: float
    """From the POST to the first packet of the echo."""
    round_trips: int
    """Until the client can speak, from the first packet of the POST."""


async def set_up_cpu_seconds(contender: Contender, calls: int, *, data_channel: bool) -> float:
    """CPU of the server for each of so many calls, set up one after another; no media flows.

    A call is set up once DTLS is connected, with a data channel once session.created came. What
    the process uses while nothing happens is taken off. Raises ProcessFailedError, TimeoutError.
    """
    clock, certificate = contender.cpu_clock(), DtlsCertificate()
    callers = [_Caller(certificate, data_channel=data_channel) for _ in range(calls + 1)]
    try:
        async with aiohttp.ClientSession() as http:
            await callers[0].set_up(contender, http)  # pays for what is done once
            idle_before = await _load(clock)
            used, start = clock(), time.monotonic()
            for caller in callers[1:]:
                await caller.set_up(contender, http)
            used, took = clock() - used, time.monotonic() - start
            idle_after = await _load(clock)
    finally:
        for caller in callers:
            await caller.hang_up()
    return (used - took * (idle_before + idle_after) / 2) / calls


async def time_to_media(contender: Contender, speech: Sequence[bytes], calls: int) -> list[Start]:
    """Of so many calls, one after another."""
    certificate = DtlsCertificate()
    async with aiohttp.ClientSession() as http:
        return [await _start(contender, speech, certificate, http) for _ in range(calls)]


async def _start(
    contender: Contender,
    speech: Sequence[bytes],
    certificate: DtlsCertificate,
    http: aiohttp.ClientSession,
) -> Start:
    client = LoadClient(certificate, Habits(speech))
    posted_ns = time.time_ns()
    try:
        await connect(client, contender.service, http)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while client.arrivals.first_ns is None:
                client.speak()
                await asyncio.sleep(FRAME_S)
    finally:
        disconnect(client)
    waited = (client.arrivals.first_ns - posted_ns) / 1e9
    return Start(waited, HTTP_ROUND_TRIPS + client.round_trips)


class _Caller:
    """One silent call, with its data channel if it has one."""

    def __init__(self, certificate: DtlsCertificate, *, data_channel: bool) -> None:
        self._client = LoadClient(
            certificate,
            Habits((), data_channel=data_channel),
            data_received=lambda record: self._channel.receive(record),
        )
        self._channel = EventChannel(self._client.send_data)
        self._data_channel = data_channel

    async def set_up(self, contender: Contender, http: aiohttp.ClientSession) -> None:
        """Raises ProcessFailedError, TimeoutError."""
        await connect(self._client, contender.service, http)
        if not self._data_channel:
            return
        if self._client.dtls_client:
            raise ProcessFailedError("has its client take the DTLS client's role")
        await self._channel.open()
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self._channel.event("session.created")

    async def hang_up(self) -> None:
        if self._data_channel:
            await self._channel.close()
        disconnect(self._client)


async def _load(clock: Clock) -> float:
    """The share of a core that is used while nothing happens."""
    used, start = clock(), time.monotonic()
    await asyncio.sleep(IDLE_SECONDS)
    return (clock() - used) / (time.monotonic() - start)
