"""A trunk without its stream: uplink messages in, downlink messages out.

Feed `receive`, then send what `next_downlink` gives until it gives None; `wake`
says that there may be more. A trunk outlives the failure of any of its sessions.
"""

import logging
from collections import deque
from collections.abc import Callable, Sequence

from antiphon_proto.audio_block import (
    HEADER_BYTES,
    AudioBlockError,
    AudioFrame,
    AudioFrameHeader,
    downlink_position,
    pack_frames,
    unpack_frames,
)
from antiphon_proto.inference.v1 import inference_pb2 as pb
from antiphon_proto.trunk import Close, Command, Done, Draining, Error, Event, Open
from antiphon_proto.trunk.command_codec import command_from_protobuf
from antiphon_proto.trunk.event_codec import event_to_protobuf
from chassis.logs import LoggedCall
from chassis.tracing.tracer import NO_TRACER, Tracer
from inference.admission import Admission
from inference.engine import Engine
from inference.error_code import EngineError, ErrorCode
from inference.outbound import OutboundFrame
from inference.trunk_counters import AudioDrop, TrunkCounters
from inference.trunk_session import TrunkSession

logger = logging.getLogger(__name__)

DOWNLINK_BUDGET_BYTES = 256 * 1024
"""Audio in one message: several hundred sessions' frames, far below gRPC's limit."""

MAX_REFUSED_NUMBERS = 1024
ENGINE_FAILED = Error(ErrorCode.ENGINE_FAILED, "the engine failed", fatal=True)


class Trunk:
    """The sessions of one transceiver worker at this replica."""

    def __init__(
        self,
        engines: Sequence[Engine],
        admission: Admission,
        counters: TrunkCounters,
        wake: Callable[[], None],
        observe_done: Callable[[Done], None] = lambda done: None,
        tracer: Tracer = NO_TRACER,
    ) -> None:
        """`engines`: the default one first. `observe_done` sees each Done that leaves."""
        self._tracer = tracer
        self._engines = {engine.name: engine for engine in reversed(engines)}
        self._default = engines[0]
        self._admission = admission
        self._counters = counters
        self._wake = wake
        self._observe_done = observe_done
        self._sessions: dict[int, TrunkSession] = {}
        self._sendable: dict[int, None] = {}
        self._errors: deque[tuple[int, Error]] = deque(maxlen=MAX_REFUSED_NUMBERS)
        self._refused: dict[int, None] = {}
        self._replica: pb.Description | None = None
        self._report_due = False

    def report(self, replica: pb.Description) -> None:
        """Tell the transceiver how this replica is, with the next message, if that changed."""
        if replica != self._replica:
            self._replica, self._report_due = replica, True
            self._wake()

    def receive(self, uplink: pb.Uplink) -> None:
        """Give sessions their audio and commands in the order that `after_frames` tells."""
        self._counters.messages_in += 1
        frames = self._frames(uplink.audio)
        delivered = 0
        for message in uplink.commands:
            upto = max(delivered, min(message.after_frames, len(frames)))
            self._push(frames[delivered:upto])
            delivered = upto
            self._command(message.session, command_from_protobuf(message))
        self._push(frames[delivered:])
        self._reap()

    def next_downlink(self) -> pb.Downlink | None:
        """Everything that may leave, of all sessions, as one message; None when nothing may."""
        self._reap()
        frames: list[tuple[int, int, bytes]] = []
        events: list[pb.Event] = []
        while self._errors:
            number, error = self._errors.popleft()
            events.append(event_to_protobuf(number, 0, error))
        budget = DOWNLINK_BUDGET_BYTES
        for number in list(self._sendable):
            budget -= self._take(number, budget, frames, events)
        replica, self._report_due = self._replica if self._report_due else None, False
        if not frames and not events and replica is None:
            return None
        self._counters.messages_out += 1
        return pb.Downlink(audio=pack_frames(frames), events=events, replica=replica)

    def drain(self, deadline_ms: int) -> None:
        """Ask the transceiver to take its sessions elsewhere by the deadline."""
        for session in self._sessions.values():
            session.emit(Draining(deadline_ms))

    def close(self, reason: str) -> None:
        """End every session: the stream is gone."""
        for number in list(self._sessions):
            self._close(number, reason)

    def _frames(self, block: pb.AudioBlock) -> list[AudioFrame]:
        try:
            return unpack_frames(block)
        except AudioBlockError as error:
            self._counters.dropped_bytes[AudioDrop.MALFORMED_BLOCK] += len(block.samples)
            for number in _sessions_named(block.headers):
                self._report(number, Error(ErrorCode.MALFORMED_AUDIO, str(error)))
            return []

    def _push(self, frames: Sequence[AudioFrame]) -> None:
        for number, position, pcm in frames:
            self._counters.audio_in_bytes += len(pcm)
            session = self._sessions.get(number)
            if session is None:
                self._counters.dropped_bytes[AudioDrop.NO_SESSION] += len(pcm)
                self._refuse(number)
                continue
            try:
                session.push_audio(position, pcm)
            except Exception:
                logger.exception(
                    "session %d: the engine failed on audio", number, extra=session.call.extra
                )
                self._engine_failed(number)

    def _command(self, number: int, command: Command | None) -> None:
        session = self._sessions.get(number)
        if command is None:
            self._report(number, Error(ErrorCode.UNKNOWN_COMMAND, "no such kind of command"))
        elif session is None and isinstance(command, Open):
            self._open(number, command)
        elif session is None:
            self._refuse(number)
        elif isinstance(command, Close):
            self._close(number, command.reason)
        else:
            try:
                session.apply(command)
            except Exception:
                logger.exception(
                    "session %d: the engine failed on a command", number, extra=session.call.extra
                )
                self._engine_failed(number)

    def _open(self, number: int, request: Open) -> None:
        engine = self._engines.get(request.model, self._default)
        try:
            self._admission.enter()
        except EngineError as error:
            self._report(number, Error(error.code, str(error), fatal=True))
            return
        try:
            session = TrunkSession(engine, request, lambda: self._mark(number), self._tracer)
        except EngineError as error:
            self._admission.leave()
            self._report(number, Error(error.code, str(error), fatal=True))
            return
        except Exception:
            call = LoggedCall(request.call_id)
            logger.exception("session %d: the engine failed to open it", number, extra=call.extra)
            self._admission.leave()
            self._report(number, ENGINE_FAILED)
            return
        self._sessions[number] = session
        self._refused.pop(number, None)
        self._mark(number)
        self._counters.opened[engine.name] += 1
        logger.info(
            "call %s: session %d opened on %s",
            request.call_id,
            number,
            engine.name,
            extra=session.call.extra,
        )

    def _close(self, number: int, reason: str) -> None:
        session = self._sessions.pop(number)
        self._sendable.pop(number, None)
        self._remember_refused(number)
        self._admission.leave()
        self._counters.closed += 1
        dropped = self._counters.dropped_bytes
        dropped[AudioDrop.OVERLAP] += session.overlapped_bytes
        dropped[AudioDrop.STALE_OUTPUT] += session.outbound.stale_bytes
        logger.info("session %d closed: %s", number, reason, extra=session.call.extra)
        try:
            session.close(reason)
        except Exception:
            logger.exception(
                "session %d: the engine failed to close it", number, extra=session.call.extra
            )

    def _engine_failed(self, number: int) -> None:
        """End a session whose engine raised what it may not: a bug, but only in this session."""
        self._close(number, ErrorCode.ENGINE_FAILED.value)
        self._report(number, ENGINE_FAILED)

    def _reap(self) -> None:
        """End the sessions whose transceiver let too much output pile up."""
        for number in list(self._sendable):
            overflow = self._sessions[number].overflow
            if overflow is not None:
                self._close(number, ErrorCode.SLOW_CONSUMER.value)
                self._report(number, Error(ErrorCode.SLOW_CONSUMER, str(overflow), fatal=True))

    def _refuse(self, number: int) -> None:
        """Say once that session `number` is not open; later audio of it is only counted."""
        if number not in self._refused:
            self._remember_refused(number)
            self._report(number, Error(ErrorCode.SESSION_NOT_OPEN, "the session is not open"))

    def _remember_refused(self, number: int) -> None:
        self._refused[number] = None
        if len(self._refused) > MAX_REFUSED_NUMBERS:
            del self._refused[next(iter(self._refused))]

    def _report(self, number: int, error: Error) -> None:
        self._counters.errors[ErrorCode(error.code)] += 1
        self._errors.append((number, error))
        self._wake()

    def _mark(self, number: int) -> None:
        if number in self._sessions:
            self._sendable[number] = None
            self._wake()

    def _take(
        self, number: int, budget: int, frames: list[tuple[int, int, bytes]], events: list[pb.Event]
    ) -> int:
        """Append what session `number` may send; gives the bytes of audio it took."""
        outbound = self._sessions[number].outbound
        del self._sendable[number]
        audio_bytes = 0
        failure = None
        for output in outbound.take(budget):
            if isinstance(output, OutboundFrame):
                position = downlink_position(output.response, output.offset)
                frames.append((number, position, output.pcm))
                audio_bytes += len(output.pcm)
            else:
                try:
                    event = event_to_protobuf(number, len(frames), output)
                except ValueError as error:
                    name, fault = type(output).__name__, type(error).__name__
                    # Without the traceback, which may quote what was said.
                    logger.warning("session %d: %s cannot be encoded: %s", number, name, fault)
                    self._engine_failed(number)
                    return audio_bytes
                self._count(output)
                events.append(event)
                if isinstance(output, Error) and output.fatal:
                    failure = output
        self._counters.audio_out_bytes += audio_bytes
        if failure is not None:
            self._close(number, failure.code)
        elif outbound.has_sendable:
            self._sendable[number] = None
        return audio_bytes

    def _count(self, event: Event) -> None:
        if isinstance(event, Done):
            self._counters.done[event.status] += 1
            self._counters.count_tokens(event.usage)
            self._observe_done(event)
        elif isinstance(event, Error):
            self._counters.errors[ErrorCode(event.code)] += 1


def _sessions_named(headers: bytes) -> set[int]:
    """The sessions of as many whole headers as a malformed block has."""
    whole = len(headers) // HEADER_BYTES * HEADER_BYTES
    return {
        AudioFrameHeader.unpack_from(headers, offset).session
        for offset in range(0, whole, HEADER_BYTES)
    }
