"""The trunk to an inference replica: every session of this worker in one gRPC stream."""

import asyncio
import contextlib
import itertools
import logging
import time
from typing import Protocol

import grpc

from antiphon_proto.audio_block import (
    AudioBlockError,
    AudioFrame,
    split_downlink_position,
    unpack_frames,
)
from antiphon_proto.inference.v1 import inference_pb2 as pb
from antiphon_proto.inference.v1 import inference_pb2_grpc as pb_grpc
from antiphon_proto.trunk import Close, Command, Error, Event, Ready
from antiphon_proto.trunk.event_codec import event_from_protobuf
from chassis.host_port import HostPort
from transceiver.counters import TrunkCounters
from transceiver.trunk_backlog import TrunkBacklog

logger = logging.getLogger(__name__)

# Small windows, because what HTTP/2 buffers is stale speech: docs/wire/trunk.md.
CHANNEL_OPTIONS = [
    ("grpc.http2.bdp_probe", 0),
    ("grpc.http2.lookahead_bytes", 8192),
    ("grpc.max_receive_message_length", 16 << 20),
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    # By default a replica that was away for minutes is tried again after two more.
    ("grpc.max_reconnect_backoff_ms", 1_000),
]
RECONNECT_S = 0.5
OPEN_TIMEOUT_S = 5.0

TrunkCall = grpc.aio.StreamStreamCall[pb.Uplink, pb.Downlink]


class EngineListener(Protocol):
    """What a call does with its engine's output."""

    def engine_audio(self, response: int, offset: int, pcm: bytes) -> None:
        """Take samples of `response` that start at sample `offset` of it."""

    def engine_event(self, event: Event) -> None: ...

    def engine_lost(self) -> None:
        """The trunk broke; the session no longer exists at the replica."""


class EngineSession:
    """One call's session on the trunk."""

    def __init__(
        self, client: "InferenceClient", number: int, answer: "asyncio.Future[Ready | Error]"
    ) -> None:
        self._client = client
        self._number = number
        self._answer = answer

    async def opened(self) -> Ready | Error:
        """Wait for the replica's answer to Open; one that never comes is an Error too."""
        try:
            async with asyncio.timeout(OPEN_TIMEOUT_S):
                return await asyncio.shield(self._answer)
        except TimeoutError:
            return Error("engine_timeout", "The inference replica does not answer.", fatal=True)

    def push_audio(self, position: int, pcm: bytes) -> None:
        """Queue input samples that start at sample `position`; `flush` sends them."""
        self._client.backlog.add_audio(self._number, position, pcm)

    def command(self, command: Command) -> None:
        self._client.backlog.add_command(self._number, command)
        self._client.flush()

    def close(self, reason: str) -> None:
        """End the session; its listener hears nothing more."""
        self._client.forget(self._number)
        self.command(Close(reason))


class InferenceClient:
    """Keeps a trunk to one replica open and shares it between sessions.

    When the trunk breaks, each session's listener is told and the trunk is opened
    anew; sessions are not.
    """

    def __init__(self, target: HostPort, counters: TrunkCounters) -> None:
        self.backlog = TrunkBacklog(counters)
        self._channel = grpc.aio.insecure_channel(str(target), options=CHANNEL_OPTIONS)
        self._stub = pb_grpc.InferenceStub(self._channel)
        self._counters = counters
        self._listeners: dict[int, EngineListener] = {}
        self._opening: dict[int, asyncio.Future[Ready | Error]] = {}
        self._numbers = itertools.count(1)
        self._arrivals: list[float] = []
        self._wake = asyncio.Event()
        self._connected = asyncio.Event()

    @property
    def connected(self) -> bool:
        return self._connected.is_set()

    async def wait_connected(self) -> None:
        await self._connected.wait()

    def open(self, listener: EngineListener) -> EngineSession:
        """A new session; its first command must be Open."""
        number = next(self._numbers)
        self._listeners[number] = listener
        answer = self._opening[number] = asyncio.get_running_loop().create_future()
        return EngineSession(self, number, answer)

    def forget(self, number: int) -> None:
        self._listeners.pop(number, None)
        self._answer_open(number, Error("closed", "The session was closed.", fatal=True))

    def flush(self, arrived_at: float | None = None) -> None:
        """Send what waits: at once, or with the write that is in flight when that returns.

        `arrived_at` is the Unix time at which the oldest audio queued since the last flush
        came, if it came from a client.
        """
        if self.backlog:
            if arrived_at is not None:
                self._arrivals.append(arrived_at)
            self._wake.set()

    async def run(self) -> None:
        """Hold the trunk open until cancelled. Raises ExceptionGroup for a defect met in it."""
        try:
            while True:
                await self._hold_trunk()
                self._lose_sessions()
                self._counters.reconnects += 1
                await asyncio.sleep(RECONNECT_S)
        finally:
            await self._channel.close()

    async def _hold_trunk(self) -> None:
        await self._channel.channel_ready()
        call: TrunkCall = self._stub.Trunk()
        self._connected.set()
        try:
            async with asyncio.TaskGroup() as tasks:
                writing = tasks.create_task(self._write(call))
                await self._read(call)
                writing.cancel()
        finally:
            self._connected.clear()
            call.cancel()

    async def _read(self, call: TrunkCall) -> None:
        """Hand on what arrives until the trunk breaks."""
        try:
            async for message in call:
                self._receive(message)
        except grpc.aio.AioRpcError as error:
            logger.warning("trunk broke: %s", error.code().name)

    async def _write(self, call: TrunkCall) -> None:
        """Send what waits until the trunk breaks; why it did, `_read` learns."""
        with contextlib.suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):
            while True:
                await self._wake.wait()
                self._wake.clear()
                message = self.backlog.take()
                if message is not None:
                    self._counters.messages_sent += 1
                    self._observe_arrivals()
                    await call.write(message)

    def _observe_arrivals(self) -> None:
        if self._arrivals:
            self._counters.arrival_to_engine.observe(time.time() - self._arrivals[0])
            self._arrivals.clear()

    def _receive(self, message: pb.Downlink) -> None:
        """Hand frames and events on in the order that `after_frames` gives."""
        self._counters.messages_received += 1
        try:
            frames = unpack_frames(message.audio)
        except AudioBlockError:
            logger.exception("dropped a malformed audio block")
            frames = []
        delivered = 0
        for event in message.events:
            upto = min(event.after_frames, len(frames))
            self._deliver_audio(frames[delivered:upto])
            delivered = max(delivered, upto)
            self._deliver_event(event)
        self._deliver_audio(frames[delivered:])

    def _deliver_audio(self, frames: list[AudioFrame]) -> None:
        for session, position, pcm in frames:
            self._counters.frames_received += 1
            listener = self._listeners.get(session)
            if listener is not None:
                listener.engine_audio(*split_downlink_position(position), pcm)

    def _deliver_event(self, event: pb.Event) -> None:
        listener = self._listeners.get(event.session)
        message = event_from_protobuf(event)
        if isinstance(message, Ready) or (isinstance(message, Error) and message.fatal):
            self._answer_open(event.session, message)
        if listener is not None and message is not None:
            listener.engine_event(message)

    def _answer_open(self, number: int, answer: Ready | Error) -> None:
        """Tell who waits for the session to open; only the first answer counts."""
        opening = self._opening.pop(number, None)
        if opening is not None:
            opening.set_result(answer)

    def _lose_sessions(self) -> None:
        for number in list(self._opening):
            self._answer_open(number, Error("engine_lost", "The replica was lost.", fatal=True))
        listeners = list(self._listeners.values())
        self._listeners.clear()
        for listener in listeners:
            listener.engine_lost()
        # Last, so that it takes what the listeners said to their sessions' end.
        self.backlog.clear()
