"""A call over a WebSocket: its connections, one after another, and the sound in its events.

The client plays what it is sent, at once and as fast as the engine makes it. The engine gets
credit for what the socket has taken: a client that does not read stops its engine, and where
that goes on, the session ends.
"""

from antiphon_proto.audio_block import BYTES_PER_SAMPLE
from antiphon_proto.realtime import RealtimeError, RealtimeSession
from antiphon_proto.realtime.audio_format import AudioFormat
from antiphon_proto.trunk import UNSOLICITED, Done, Event, Ready
from transceiver.appended_audio import AppendedAudio
from transceiver.call import Call
from transceiver.call_environment import CallEnvironment
from transceiver.close_reason import CloseReason
from transceiver.contained import contained
from transceiver.conversation_outputs import AppendAudio, PlayoutCommand
from transceiver.event_audio import EventAudioEncoder
from transceiver.event_socket import EventSocket
from transceiver.resumption.continuity import Continuity
from transceiver.taken_audio import TakenAudio
from transceiver.transport import Transport

MAX_UNSENT_BYTES = 4 * 1024 * 1024
"""Beyond it a client counts as not reading, as on a data channel."""

CONGESTED_BYTES = 256 * 1024
"""Unsent events from which on the engine gets no credit: five seconds of audio."""

MAX_CONGESTED_S = 15.0


class WebSocketCall(Call):
    """Give it the client's messages and, ten times a second, the time."""

    TRANSPORT = Transport.WEBSOCKET
    _continuity: Continuity

    def __init__(
        self,
        call_id: str,
        *,
        session: RealtimeSession,
        environment: CallEnvironment,
        continuity: Continuity,
    ) -> None:
        super().__init__(call_id, session, environment, continuity)
        self._socket: EventSocket | None = None
        self._has_come = False
        self._appended: AppendedAudio | None = None
        self._encoder: EventAudioEncoder | None = None
        self._input_rate = 0
        self._output_bytes_per_ms = 0.0
        self._taken = TakenAudio()
        self._congested_since: float | None = None
        self._begin()

    @contained
    def start(self, socket: EventSocket) -> None:
        """The client has come; `session.created` is the first that it hears."""
        self._socket, self._has_come = socket, True
        self._act(self._conversation.channel_opened(self._clock()))
        self._trace.ready()
        self._repeat_missed()

    @contained
    def resume(self, socket: EventSocket, last_event_id: str | None) -> None:
        """The client has come again: it hears what it missed behind `session.created`."""
        replaced, self._socket = self._socket, socket
        if replaced is not None:
            replaced.close(CloseReason.RESUMED)
        self._continuity.returned(last_event_id)
        self._congested_since = None
        self._act(self._conversation.client_returned())
        self._repeat_missed()
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

    @contained
    def receive(self, message: bytes) -> None:
        """Take a message of the client. `forward` what it brought before the next one."""
        self._client_event(message)

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

    def release(self) -> None:
        self._socket = None
        super().release()

    # ---- the engine's side ---------------------------------------------------

    @contained
    def engine_audio(self, response: int, _offset: int, pcm: bytes) -> None:
        if response == UNSOLICITED:
            return  # The API has no event for it.
        now = self._clock()
        self._taken.sent(response, len(pcm) / self._output_bytes_per_ms)
        self._deadlines.active(now)
        self._act(self._conversation.engine_audio(response, pcm, now))
        if self._taken.credit_due:
            self._give_credit()

    def engine_event(self, event: Event) -> None:
        super().engine_event(event)
        if isinstance(event, Done):
            self._give_credit()

    def _engine_ready(self, ready: Ready, now: float) -> None:
        if self._appended is None:
            self._input_rate = ready.input_rate
            self._output_bytes_per_ms = ready.output_rate * BYTES_PER_SAMPLE / 1000
            self._appended = AppendedAudio(ready.input_rate, now)
            self._encoder = EventAudioEncoder(ready.output_rate)

    # ---- what the conversation wants done ------------------------------------

    def _play(self, _command: PlayoutCommand) -> None:
        """The client owns the playout."""

    def _append(self, audio: AppendAudio) -> None:
        if self._appended is None:
            return
        try:
            self._appended.append(audio.format, audio.audio, self._clock())
        except RealtimeError as error:
            self._act(self._conversation.refuse_audio(error, audio.event_id))

    def _encode(self, audio_format: AudioFormat, response: int, pcm: bytes) -> bytes:
        encoded = self._encoder.encode(audio_format, response, pcm) if self._encoder else b""
        self._counters.frames_out += bool(encoded)
        return encoded

    # ---- a client that does not read -----------------------------------------

    def _send_to_client(self, event: bytes) -> None:
        if self._socket is None:
            return
        self._socket.send(event)
        if self._socket.unsent_bytes > MAX_UNSENT_BYTES:
            self.close(CloseReason.CHANNEL_BROKEN)

    def _leave_client(self, reason: CloseReason) -> None:
        if self._socket is not None:
            self._socket.close(reason)

    def _watch(self, socket: EventSocket, now: float) -> None:
        if socket.unsent_bytes <= CONGESTED_BYTES:
            self._congested_since = None
            if self._taken.credit_due:
                self._give_credit()
        elif self._congested_since is None:
            self._congested_since = now
        elif now - self._congested_since > MAX_CONGESTED_S:
            # Whose network is gone looks like one that does not read, and may come again.
            self._congested_since = None
            self.lose(socket, CloseReason.CHANNEL_BROKEN)
            socket.close(CloseReason.CHANNEL_BROKEN)

    def _give_credit(self) -> None:
        """Count as played what the socket has taken."""
        if self.closed is not None or self._socket is None:
            return
        if self._socket.unsent_bytes <= CONGESTED_BYTES:
            for credit in self._taken.credits():
                self._engine.command(credit)
