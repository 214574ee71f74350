"""The trunk to an inference replica: every session of this worker in one gRPC stream."""

import asyncio
import itertools
import logging
import time
from asyncio import FIRST_COMPLETED
from collections.abc import Callable

from google.protobuf.message import DecodeError

from antiphon_proto.audio_block import (
    AudioBlockError,
    AudioFrame,
    split_downlink_position,
    unpack_frames,
)
from antiphon_proto.inference.v1 import inference_pb2 as pb
from antiphon_proto.trunk import Close, Command, Error, Ready
from antiphon_proto.trunk.event_codec import event_from_protobuf
from chassis.host_port import HostPort
from transceiver.counters import TrunkCounters
from transceiver.engine_leg import EngineListener
from transceiver.grpc_stream import GrpcStream
from transceiver.replica_directory import ReplicaReport
from transceiver.trunk_backlog import TrunkBacklog
from transceiver.trunk_connection import TrunkConnection, connect

logger = logging.getLogger(__name__)

TRUNK_PATH = f"/{pb.DESCRIPTOR.services_by_name['Inference'].full_name}/Trunk"

RECONNECT_S = 0.5
CONNECT_TIMEOUT_S = 3.0
OPEN_TIMEOUT_S = 5.0


class EngineSession:
    """One call's session on the trunk."""

    def __init__(
        self, client: "InferenceClient", number: int, answer: "asyncio.Future[Ready | Error]"
    ) -> None:
        self.replica = client.target
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

    def __init__(
        self,
        target: HostPort,
        counters: TrunkCounters,
        *,
        on_connected: Callable[[HostPort], None] = lambda target: None,
        on_lost: Callable[[HostPort], None] = lambda target: None,
        on_report: Callable[[HostPort, ReplicaReport], None] = lambda target, report: None,
    ) -> None:
        """`on_lost` is called before the sessions' listeners are told."""
        self.backlog = TrunkBacklog(counters, time.time)
        self.target = target
        self._on_connected = on_connected
        self._on_lost = on_lost
        self._on_report = on_report
        self._connection: TrunkConnection | None = None
        self._defect: asyncio.Future[None]
        self._listening = True
        self._counters = counters
        self._listeners: dict[int, EngineListener] = {}
        self._opening: dict[int, asyncio.Future[Ready | Error]] = {}
        self._numbers = itertools.count(1)
        self._connected = asyncio.Event()

    @property
    def connected(self) -> bool:
        return self._connected.is_set()

    @property
    def sessions(self) -> int:
        return len(self._listeners)

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

    def note_arrival(self, arrived_at: float) -> None:
        """The audio queued since the last time came to this worker at this Unix time."""
        self.backlog.note_arrival(arrived_at)

    def flush(self) -> None:
        """Send what waits as one message: at once, or as soon as the replica has room."""
        if not self.backlog:
            return
        connection = self._connection
        if connection is not None:
            while self.backlog and not connection.blocked and self._write(connection):
                pass
            if self.backlog.overfull:
                connection.close("the server does not read")

    async def run(self) -> None:
        """Hold the trunk open until cancelled. Raises what a defect met in writing raises."""
        while True:
            try:
                await self._hold_trunk()
            except OSError as error:
                logger.debug("no trunk: %s", error)
            await asyncio.sleep(RECONNECT_S)

    async def _hold_trunk(self) -> None:
        """Raises OSError when there is no connection."""
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            connected = await connect(self.target)
        connection = TrunkConnection(
            connected,
            GrpcStream(str(self.target), TRUNK_PATH),
            on_message=self._message_received,
            on_writable=self.flush,
        )
        try:
            await self._use(connection)
        finally:
            self._connection = None
            connection.close()

    def listen(self, listening: bool) -> None:
        """Whether to read the trunk as soon as there is something, or when asked to `poll`."""
        self._listening = listening
        if self._connection is not None:
            self._connection.listen(listening)

    def poll(self) -> None:
        """Read what came on the trunk."""
        if self._connection is not None:
            self._connection.poll()

    async def _use(self, connection: TrunkConnection) -> None:
        """Send and receive until the connection is lost."""
        await asyncio.wait((connection.ready, connection.lost), return_when=FIRST_COMPLETED)
        if not connection.ready.done():
            raise connection.lost.result()
        self._connection = connection
        connection.listen(self._listening)
        self._defect = asyncio.get_running_loop().create_future()
        self._connected.set()
        self._on_connected(self.target)
        try:
            await asyncio.wait((connection.lost, self._defect), return_when=FIRST_COMPLETED)
        finally:
            self._connected.clear()
        if self._defect.done():
            self._defect.result()
        logger.warning("trunk to %s broke: %s", self.target, connection.lost.result())
        self._connection = None
        self._on_lost(self.target)
        self._lose_sessions()
        self._counters.reconnects += 1

    def _write(self, connection: TrunkConnection) -> bool:
        """Whether something was written; a defect in it ends `run`."""
        try:
            message = self.backlog.take()
            if message is not None:
                self._counters.messages_sent += 1
                connection.send(message.SerializeToString())
        except Exception as defect:  # noqa: BLE001  # Not the fault of the call that flushed.
            if not self._defect.done():
                self._defect.set_exception(defect)
            return False
        return message is not None

    def _message_received(self, message: bytes) -> None:
        try:
            downlink = pb.Downlink.FromString(message)
        except DecodeError:
            logger.exception("dropped a malformed message")
            return
        self._receive(downlink)

    def _receive(self, message: pb.Downlink) -> None:
        """Hand frames and events on in the order that `after_frames` gives."""
        self._counters.messages_received += 1
        if message.HasField("replica"):
            state = message.replica
            report = ReplicaReport(state.capacity, state.sessions, state.draining)
            self._on_report(self.target, report)
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
