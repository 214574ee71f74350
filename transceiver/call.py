"""What any call is, whatever its client's events and sound travel by.

The conversation, its engine, the MCP servers that it asks, the sidebands that hear it, what a
client that is lost goes on with, and how long it may last. What a call is besides is its
transport, and where the server owns the playout clock, the playout: `WebRtcCall`, `WebSocketCall`.
"""

import logging
import secrets
from abc import ABC, abstractmethod
from functools import partial
from typing import ClassVar

import msgspec

from antiphon_proto.realtime import RealtimeSession, encode_server_event
from antiphon_proto.realtime.audio_format import AudioFormat
from antiphon_proto.trunk import Error, Event, Open, Ready, SpeechStarted, SpeechStopped
from chassis.logs import LoggedCall
from transceiver.audience import Audience
from transceiver.call_deadlines import CallDeadlines
from transceiver.call_environment import CallEnvironment
from transceiver.call_trace import CallTrace, asked_by
from transceiver.close_reason import CloseReason
from transceiver.contained import contained
from transceiver.conversation import Conversation
from transceiver.conversation_outputs import (
    CLIENT,
    EVERYONE,
    AppendAudio,
    CloseCall,
    Output,
    PlayoutCommand,
    RunMcp,
    SendEngineCommand,
    SendEvent,
    TurnMeasured,
)
from transceiver.engine_leg import Resumption
from transceiver.engine_link import EngineLink
from transceiver.ledger import LatencyLedger
from transceiver.mcp.requests import McpOutcome
from transceiver.response_rate import SpendRequest, unlimited
from transceiver.resumption.continuity import Continuity, TakenUp, seconds_left
from transceiver.resumption.conversation_record import ConversationRecord
from transceiver.sideband import Sideband, SidebandHost
from transceiver.transport import Transport

logger = logging.getLogger(__name__)


class Call(ABC):
    """Sans-IO, on the worker's event loop, where all that reaches it does so.

    It is its engine's host (`EngineHost`) and a `LiveSession`. A subclass calls `_begin` once
    it can be told what to do.
    """

    TRANSPORT: ClassVar[Transport]

    def __init__(
        self,
        call_id: str,
        session: RealtimeSession,
        environment: CallEnvironment,
        continuity: Continuity | None,
        spend: SpendRequest | None = None,
    ) -> None:
        """With a `continuity` its client, when it is lost, may go on, and who made it has its
        responses counted; otherwise `spend` counts them.
        """
        self.call_id = call_id
        self.closed: CloseReason | None = None
        self._continuity = continuity
        self._counters = environment.counters
        self._turn_latency = environment.turn_latency
        self._clock = environment.clock
        self._mcp = environment.mcp(self.mcp_outcome)
        self._audience = Audience()
        self._trace = CallTrace(
            environment.tracer, asked_by.get(), call_id=call_id, transport=self.TRANSPORT
        )
        self.logged = LoggedCall(call_id, self._trace.trace_id)
        self._ledger = LatencyLedger()
        unix_time = environment.unix_time()
        seconds = seconds_left(session, unix_time, environment.max_seconds)
        self._deadlines = CallDeadlines(
            self._clock(), max_s=seconds, idle_s=environment.max_idle_seconds
        )
        self._conversation = Conversation(
            msgspec.structs.replace(session, expires_at=int(unix_time) + seconds),
            call_id=call_id,
            transport=self.TRANSPORT,
            new_id=_new_id,
            heard_ms=self._heard_ms,
            rtt_s=self._rtt_s,
            ledger=self._ledger,
            encode=self._encode,
            continuity=continuity,
            spend=partial(environment.count_response, continuity.issuer)
            if continuity
            else spend or unlimited,
            trace=self._trace,
        )
        self._trace.concerns(self._conversation.record.session_id, session.model)
        self._engine = EngineLink(
            environment.replicas, self, clock=self._clock, counters=self._counters.hand_offs
        )

    def _begin(self) -> None:
        self._act(self._conversation.open())

    async def engine_opened(self) -> Ready | Error:
        """Wait for the engine's answer: before Ready, nothing that the client says is heard."""
        answer = await self._engine.opened()
        self._trace.engine_answered(answer.code if isinstance(answer, Error) else "")
        return answer

    def fail(self) -> None:
        """End the call for the defect that is being handled: no other call has met it."""
        logger.exception("call %s failed", self.call_id, extra=self.logged.extra)
        self.close(CloseReason.INTERNAL_ERROR)

    def close(self, reason: CloseReason) -> None:
        """End the call; harmless when it has ended."""
        if self.closed is not None:
            return
        self.closed = reason
        self._counters.closed[reason] += 1
        self._act(self._conversation.closing(reason))
        self._engine.close(reason.value)
        self._mcp.close()
        self._audience.close(reason)
        self._leave_client(reason)
        self._trace.closed(reason)
        logger.info("call %s closed: %s", self.call_id, reason.value, extra=self.logged.extra)

    def release(self) -> None:
        """Let go of the parts that know the call in turn, so that all memory is free at once.

        Nobody may call it any more, but for `close`.
        """
        del self._conversation, self._engine

    # ---- what its transport and its playout do -------------------------------

    @abstractmethod
    def _send_to_client(self, event: bytes) -> None:
        """Send an event, if there is a client to hear it."""

    @abstractmethod
    def _leave_client(self, reason: CloseReason) -> None:
        """The call has ended: end the connection."""

    @abstractmethod
    def _engine_ready(self, ready: Ready, now: float) -> None:
        """An engine takes and gives PCM of these rates; one that takes over has the same."""

    @abstractmethod
    def engine_audio(self, response: int, offset: int, pcm: bytes) -> None: ...

    @abstractmethod
    def _play(self, command: PlayoutCommand) -> None: ...

    @abstractmethod
    def _append(self, audio: AppendAudio) -> None: ...

    def _heard_ms(self, _response: int) -> int:
        return 0

    def _rtt_s(self) -> float | None:
        return None

    def _encode(self, _format: AudioFormat, _response: int, pcm: bytes) -> bytes:
        return pcm

    # ---- the client's events -------------------------------------------------

    def _client_event(self, message: str | bytes, asker: int = CLIENT) -> None:
        now = self._clock()
        outputs = self._conversation.client_event(message, now, asker)
        if not any(isinstance(output, AppendAudio) for output in outputs):
            self._deadlines.active(now)
        self._act(outputs)

    # ---- for a client that is lost: LiveSession ------------------------------

    @property
    def session_id(self) -> str:
        return self._conversation.record.session_id

    @property
    def record(self) -> ConversationRecord:
        """What is to be written down of it."""
        return self._conversation.record

    @property
    def resumable(self) -> bool:
        """Whether its client, when it is lost, may go on."""
        return self._continuity is not None

    @property
    def generation(self) -> int:
        return self._continuity.generation if self._continuity is not None else 0

    def take(self, last_event_id: str | None) -> TakenUp:
        """End the call here, if it has not ended; its conversation goes on with this."""
        self._act(self._conversation.leaving())
        missed = self._continuity.returned(last_event_id) if self._continuity is not None else None
        snapshot = self.record.snapshot()
        self.close(CloseReason.RESUMED)
        return TakenUp(snapshot, missed, self.generation)

    def _repeat_missed(self) -> None:
        """Send what the client missed, behind the greeting."""
        if self._continuity is not None:
            for event_id, event in self._continuity.to_repeat:
                self._send(event_id, event, CLIENT)

    # ---- applications beside the client --------------------------------------

    def sideband(self) -> Sideband:
        """One more, to be started or closed. Raises AudienceFullError."""
        host = SidebandHost(self._sideband_joined, self._sideband_sent, self._audience.remove)
        return self._audience.admit(host)

    @contained
    def _sideband_joined(self, number: int) -> None:
        self._act(self._conversation.sideband_joined(number))

    @contained
    def _sideband_sent(self, number: int, message: bytes) -> None:
        self._client_event(message, number)

    # ---- the engine's side: EngineHost ---------------------------------------

    @contained
    def engine_event(self, event: Event) -> None:
        now = self._clock()
        if isinstance(event, SpeechStarted | SpeechStopped):
            self._deadlines.user_speaks(now, speaking=isinstance(event, SpeechStarted))
        elif isinstance(event, Ready):
            self._engine_ready(event, now)
        self._act(self._conversation.engine_event(event, now))

    def engine_opening(self) -> Open:
        return self._conversation.engine_opening()

    def engine_resumptions(self) -> tuple[Resumption, ...]:
        resumptions, outputs = self._conversation.engine_resumptions()
        self._act(outputs)
        return resumptions

    def engine_pauses(self) -> bool:
        return self._conversation.engine_pauses

    @contained
    def mcp_outcome(self, outcome: McpOutcome) -> None:
        """Take what came of a request to an MCP server."""
        self._trace.tool_answered(outcome)
        self._act(self._conversation.mcp_outcome(outcome))

    # ---- what the conversation wants done ------------------------------------

    def _act(self, outputs: list[Output]) -> None:
        for output in outputs:
            self._act_on(output)

    def _act_on(self, output: Output) -> None:
        match output:
            case SendEvent(event, to):
                self._send(event.event_id, encode_server_event(event), to)
            case SendEngineCommand(command):
                self._engine.command(command)
            case AppendAudio():
                self._append(output)
            case RunMcp(request):
                self._trace.tool_asked(request)
                self._mcp.run(request)
            case TurnMeasured(account):
                self._turn_latency.observe(account)
            case CloseCall(reason):
                self.close(reason)
            case _:
                self._play(output)

    def _send(self, event_id: str, event: bytes, to: int) -> None:
        if to in (CLIENT, EVERYONE):
            if self._continuity is not None:
                self._continuity.sent(event_id, event, self._clock())
            self._send_to_client(event)
        self._audience.hear(event, to)


def _new_id(prefix: str) -> str:
    return f"{prefix}_{secrets.token_urlsafe(12)}"
