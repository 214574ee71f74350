"""One session over a WebSocket: its socket, its sound, its conversation and its engine, joined.

The client plays what it is sent, at once and as fast as the engine makes it. The engine gets
credit for what the socket has taken: a client that does not read stops its engine, and where
that goes on, the session ends.
"""

import logging
import secrets
from collections.abc import Callable

import msgspec

from antiphon_proto.audio_block import BYTES_PER_SAMPLE
from antiphon_proto.realtime import RealtimeError, RealtimeSession, encode_server_event
from antiphon_proto.realtime.audio_format import AudioFormat
from antiphon_proto.realtime.server_events import ResponseOutputAudioDelta
from antiphon_proto.trunk import (
    UNSOLICITED,
    Error,
    Event,
    Open,
    Ready,
    SpeechStarted,
    SpeechStopped,
)
from transceiver.appended_audio import AppendedAudio
from transceiver.call_deadlines import CallDeadlines
from transceiver.close_reason import CloseReason
from transceiver.contained import contained
from transceiver.conversation import Conversation, Transport
from transceiver.conversation_outputs import (
    AppendAudio,
    CloseCall,
    Output,
    RunMcp,
    SendEngineCommand,
    SendEvent,
    TurnMeasured,
)
from transceiver.counters import CallCounters
from transceiver.engine_leg import Replicas, Resumption
from transceiver.engine_link import EngineLink
from transceiver.event_audio import EventAudioEncoder
from transceiver.event_socket import EventSocket
from transceiver.ledger import LatencyLedger
from transceiver.mcp.requests import McpOpener, McpOutcome, ask_nobody
from transceiver.metrics import TurnLatency
from transceiver.resumption.continuity import Continuity, TakenUp
from transceiver.resumption.conversation_record import ConversationRecord
from transceiver.taken_audio import TakenAudio

logger = logging.getLogger(__name__)

MAX_UNSENT_BYTES = 4 * 1024 * 1024
"""Beyond it a client counts as not reading, as on a data channel."""

CONGESTED_BYTES = 256 * 1024
"""Unsent events from which on the engine gets no credit: five seconds of audio."""

MAX_CONGESTED_S = 15.0


class WebSocketCall:
    """Sans-IO, on the worker's event loop: give it the client's messages and, ten times a
    second, the time. `clock` is monotonic; `unix_time` is the time at the session's start.
    """

    def __init__(
        self,
        call_id: str,
        *,
        session: RealtimeSession,
        replicas: Replicas,
        counters: CallCounters,
        turn_latency: TurnLatency,
        clock: Callable[[], float],
        unix_time: float,
        max_seconds: int,
        max_idle_seconds: int,
        mcp: McpOpener = ask_nobody,
        continuity: Continuity,
    ) -> None:
        self.call_id = call_id
        self.closed: CloseReason | None = None
        self._counters = counters
        self._turn_latency = turn_latency
        self._clock = clock
        now = clock()
        self._mcp = mcp(self.mcp_outcome)
        self._deadlines = CallDeadlines(now, max_s=max_seconds, idle_s=max_idle_seconds)
        self._ledger = LatencyLedger()
        self._socket: EventSocket | None = None
        self._has_come = False
        self._continuity = continuity
        self._appended: AppendedAudio | None = None
        self._encoder: EventAudioEncoder | None = None
        self._input_rate = 0
        self._output_bytes_per_ms = 0.0
        self._taken = TakenAudio()
        self._congested_since: float | None = None
        self._conversation = Conversation(
            msgspec.structs.replace(session, expires_at=int(unix_time) + max_seconds),
            call_id=call_id,
            transport=Transport.WEBSOCKET,
            new_id=lambda prefix: f"{prefix}_{secrets.token_urlsafe(12)}",
            heard_ms=lambda _response: 0,
            rtt_s=lambda: None,
            ledger=self._ledger,
            encode=self._encode,
            continuity=continuity,
        )
        self._engine = EngineLink(replicas, self, clock=clock, counters=counters.hand_offs)
        self._act(self._conversation.open())

    async def engine_opened(self) -> Ready | Error:
        """Wait for the engine's answer."""
        return await self._engine.opened()

    @contained
    def start(self, socket: EventSocket) -> None:
        """The client has come; `session.created` is the first that it hears."""
        self._socket, self._has_come = socket, True
        self._act(self._conversation.channel_opened(self._clock()))
        self._repeat()

    @contained
    def resume(self, socket: EventSocket, last_event_id: str | None) -> None:
        """The client has come again: it hears what it missed behind `session.created`."""
        replaced, self._socket = self._socket, socket
        if replaced is not None:
            replaced.close(CloseReason.RESUMED)
        self._continuity.returned(last_event_id)
        self._congested_since = None
        self._act(self._conversation.client_returned())
        self._repeat()
        self._give_credit()

    def lose(self, socket: EventSocket, reason: CloseReason) -> None:
        """The connection broke; the session waits for its client to come again."""
        if self._socket is not socket or self.closed is not None:
            return
        self._continuity.lost(socket.unsent_bytes, self._clock())
        self._socket = None
        if not self._continuity.possible:
            self.close(reason)

    @property
    def deserted(self) -> bool:
        """Whether the client has been here, and is not any more."""
        return self._has_come and self._socket is None

    @property
    def has_come(self) -> bool:
        return self._has_come

    def plays_to(self, socket: EventSocket) -> bool:
        """Whether it is this connection that the client is at."""
        return self._socket is socket

    @property
    def session_id(self) -> str:
        return self._conversation.record.session_id

    @property
    def generation(self) -> int:
        return self._continuity.generation

    @property
    def record(self) -> ConversationRecord:
        """What is to be written down of it."""
        return self._conversation.record

    def take(self, last_event_id: str | None) -> TakenUp:
        """End the session here; it goes on elsewhere with this."""
        self._act(self._conversation.leaving())
        missed = self._continuity.returned(last_event_id)
        snapshot = self.record.snapshot()
        self.close(CloseReason.RESUMED)
        return TakenUp(snapshot, missed)

    @contained
    def receive(self, message: bytes) -> None:
        """Take a message of the client. `forward` what it brought before the next one."""
        now = self._clock()
        outputs = self._conversation.client_event(message, now)
        if not any(isinstance(output, AppendAudio) for output in outputs):
            self._deadlines.active(now)
        self._act(outputs)

    @contained
    def forward(self) -> float:
        """Hand the engine appended audio; the seconds until to call it again, 0 when all went."""
        if self._appended is None:
            return 0.0
        now = self._clock()
        for position, pcm in self._appended.take(now):
            self._counters.frames_in += 1
            self._engine.push_audio(position, pcm)
            self._conversation.input_audio(len(pcm) / BYTES_PER_SAMPLE / self._input_rate * 1000)
            self._ledger.frame_forwarded(position * 1000 // self._input_rate, 0.0, now)
        return self._appended.wait_s

    @contained
    def tick(self, now: float) -> None:
        """Do what time asks for."""
        self._engine.tick(now)
        passed = self._deadlines.passed(now, connected=self._has_come)
        if passed is not None:
            self.close(passed)
        elif self._continuity.tick(now):
            self.close(CloseReason.CLIENT_LOST)
        elif self._socket is not None:
            self._act(self._conversation.tick(now))
            self._watch(self._socket, now)

    def fail(self) -> None:
        """End the session for the defect that is being handled: no other has met it."""
        logger.exception("session %s failed", self.call_id)
        self.close(CloseReason.INTERNAL_ERROR)

    def close(self, reason: CloseReason) -> None:
        """End the session; harmless when it has ended."""
        if self.closed is not None:
            return
        self.closed = reason
        self._counters.closed[reason] += 1
        self._act(self._conversation.closing(reason))
        self._engine.close(reason.value)
        self._mcp.close()
        if self._socket is not None:
            self._socket.close(reason)
        logger.info("session %s closed: %s", self.call_id, reason.value)

    def release(self) -> None:
        """Let go of the parts that know the session in turn; nobody may call it any more."""
        self._socket = None
        del self._conversation, self._engine

    # ---- the engine's side: EngineHost ----

    @contained
    def engine_audio(self, response: int, _offset: int, pcm: bytes) -> None:
        if response == UNSOLICITED:
            return  # The API has no event for it.
        now = self._clock()
        self._taken.sent(response, len(pcm) / self._output_bytes_per_ms)
        self._deadlines.active(now)
        self._act(self._conversation.engine_audio(response, pcm, now))
        self._give_credit()

    @contained
    def engine_event(self, event: Event) -> None:
        now = self._clock()
        if isinstance(event, SpeechStarted | SpeechStopped):
            self._deadlines.user_speaks(now, speaking=isinstance(event, SpeechStarted))
        elif isinstance(event, Ready) and self._appended is None:
            self._input_rate = event.input_rate
            self._output_bytes_per_ms = event.output_rate * BYTES_PER_SAMPLE / 1000
            self._appended = AppendedAudio(event.input_rate, now)
            self._encoder = EventAudioEncoder(event.output_rate)
        self._act(self._conversation.engine_event(event, now))

    @contained
    def mcp_outcome(self, outcome: McpOutcome) -> None:
        """Take what came of a request to an MCP server."""
        self._act(self._conversation.mcp_outcome(outcome))

    def engine_opening(self) -> Open:
        return self._conversation.engine_opening()

    def engine_resumptions(self) -> tuple[Resumption, ...]:
        resumptions, outputs = self._conversation.engine_resumptions()
        self._act(outputs)
        return resumptions

    def engine_pauses(self) -> bool:
        return self._conversation.engine_pauses

    # ---- joints ----

    def _act(self, outputs: list[Output]) -> None:
        for output in outputs:
            self._act_on(output)

    def _act_on(self, output: Output) -> None:
        match output:
            case SendEvent(event):
                self._counters.frames_out += isinstance(event, ResponseOutputAudioDelta)
                self._send(event.event_id, encode_server_event(event))
            case SendEngineCommand(command):
                self._engine.command(command)
            case AppendAudio():
                self._append(output)
            case RunMcp(request):
                self._mcp.run(request)
            case TurnMeasured(account):
                self._turn_latency.observe(account)
            case CloseCall(reason):
                self.close(reason)
            case _:
                pass  # The client owns the playout.

    def _append(self, output: AppendAudio) -> None:
        if self._appended is None:
            return
        try:
            self._appended.append(output.format, output.audio, self._clock())
        except RealtimeError as error:
            self._act(self._conversation.refuse_audio(error, output.event_id))

    def _encode(self, audio_format: AudioFormat, response: int, pcm: bytes) -> bytes:
        return self._encoder.encode(audio_format, response, pcm) if self._encoder else b""

    # ---- a client that does not read ----

    def _repeat(self) -> None:
        """Send what the client missed, behind the greeting."""
        for event_id, event in self._continuity.to_repeat:
            self._send(event_id, event)

    def _send(self, event_id: str, event: bytes) -> None:
        self._continuity.sent(event_id, event, self._clock())
        if self._socket is None:
            return
        self._socket.send(event)
        if self._socket.unsent_bytes > MAX_UNSENT_BYTES:
            self.close(CloseReason.CHANNEL_BROKEN)

    def _watch(self, socket: EventSocket, now: float) -> None:
        if socket.unsent_bytes <= CONGESTED_BYTES:
            self._congested_since = None
            self._give_credit()
        elif self._congested_since is None:
            self._congested_since = now
        elif now - self._congested_since > MAX_CONGESTED_S:
            self.close(CloseReason.CHANNEL_BROKEN)

    def _give_credit(self) -> None:
        """Count as played what the socket has taken."""
        if self.closed is not None or self._socket is None:
            return
        if self._socket.unsent_bytes <= CONGESTED_BYTES:
            for credit in self._taken.credits():
                self._engine.command(credit)
