"""The user's turn: what the engine detects in the input, and what the client does with it.

Where the engine detects turns:

    quiet ──SpeechStarted──► speaking ──SpeechStopped──► paused ──TurnEnded──► committed
              │ holds the agent's answer, or cuts it off             │ is answered
              ▼ where interrupt_response is set                      ▼ where create_response is

What is held is cut off by FloorTaken and by TurnEnded, and goes on after SpeechDismissed, which
leads back to quiet. Where turn detection is off, the client commits (`input_audio_buffer.commit`),
and what the engine still detects is ignored.
"""

from collections.abc import Callable
from functools import partial

from antiphon_proto import trunk as engine
from antiphon_proto.realtime import RealtimeError
from antiphon_proto.realtime import server_events as api
from antiphon_proto.realtime.items import InputAudio, Message
from transceiver.idle_timeout import IdleTimeout
from transceiver.input_buffer import InputBuffer
from transceiver.input_transcripts import MAX_TRANSCRIPT, InputTranscripts
from transceiver.item_history import ItemHistory
from transceiver.ledger import LatencyLedger
from transceiver.outbox import Outbox
from transceiver.responses import Responses
from transceiver.session_state import SessionState


class UserTurn:
    """Follows one turn after another; `responses` answer them, and give way to them."""

    def __init__(
        self,
        outbox: Outbox,
        session: SessionState,
        history: ItemHistory,
        ledger: LatencyLedger,
        responses: Responses,
        idle: IdleTimeout,
        new_item_id: Callable[[], str],
    ) -> None:
        self._outbox = outbox
        self._session = session
        self._history = history
        self._ledger = ledger
        self._responses = responses
        self._idle = idle
        self._input = InputBuffer(new_item_id)
        self._transcripts = InputTranscripts(partial(_keep_transcript, history))
        self._full_duplex = False
        self._judges_interruptions = False

    @property
    def holds_speech(self) -> bool:
        """Whether speech started since the last commit."""
        return self._input.holds_speech

    def hear(self, milliseconds: float) -> None:
        """So much input went to the engine."""
        self._input.add_audio(milliseconds)

    def follow(self, ready: engine.Ready) -> None:
        """An engine hears from here on, the first one or one that takes over."""
        self._full_duplex = ready.full_duplex
        self._judges_interruptions = ready.judges_interruptions
        if not self._input.speaking:
            # Whoever was to say how a held answer goes on is gone.
            self._responses.release()

    # ---- what the engine detects ---------------------------------------------

    def speech_started(self, event: engine.SpeechStarted) -> None:
        detection = self._session.turn_detection
        # An engine that takes over in the middle of it hears it begin again.
        if detection is None or self._input.speaking:
            return
        item_id = self._input.speech_started(event.audio_start_ms)
        self._outbox.send(
            api.InputAudioBufferSpeechStarted(item_id=item_id, audio_start_ms=event.audio_start_ms)
        )
        # A full-duplex agent hears the user too, and stops by itself if it yields.
        if detection.interrupt_response and not self._full_duplex:
            if self._judges_interruptions:
                self._responses.hold()
            else:
                self._responses.interrupt("turn_detected")

    def speech_stopped(self, audio_end_ms: int) -> None:
        """Told once for each time that speech started."""
        item_id = self._input.speech_stopped(audio_end_ms)
        if item_id:
            self._outbox.send(
                api.InputAudioBufferSpeechStopped(item_id=item_id, audio_end_ms=audio_end_ms)
            )

    def speech_dismissed(self, event: engine.SpeechDismissed) -> None:
        self._responses.release()
        if self._session.turn_detection is None:
            return
        self.speech_stopped(event.audio_end_ms)
        self._input.dismiss_speech()
        self._transcripts.forget_early()

    def ended(self, event: engine.TurnEnded, now: float) -> None:
        detection = self._session.turn_detection
        if detection is None or not self._input.holds_turn:
            self._responses.release()
            return
        self._responses.take_floor()
        self.speech_stopped(event.voiced_end_ms)
        self._commit()
        if detection.create_response:
            self._ledger.turn_ended(event.voiced_end_ms, now)
            self._responses.answer_turn()

    def transcribed(self, event: engine.InputTranscript) -> None:
        # Clients that are told of a transcript ask for its item, which may be deleted.
        if event.item_id and event.item_id not in self._history:
            return
        if event.final and event.item_id:
            self._history.note_words(event.item_id, event.text[:MAX_TRANSCRIPT])
        if self._session.transcribes:
            upcoming = self._input.upcoming_item_id() if self._session.only_transcribes else None
            self._outbox.send(*self._transcripts.reported(event, upcoming))

    # ---- what the client does ------------------------------------------------

    def commit_at_request(self) -> None:
        """Raises RealtimeError where there is next to nothing to commit."""
        if not self._input.committable:
            raise RealtimeError(
                "input_audio_buffer_commit_empty",
                "Error committing input audio buffer: buffer too small. Expected at least 100ms "
                f"of audio, but buffer only has {self._input.buffered_ms:.2f}ms of audio.",
            )
        self._responses.take_floor()
        self._commit()

    def clear(self) -> None:
        self._responses.release()
        self._input.clear()
        self._transcripts.forget_early()
        self._outbox.command(engine.ClearInput())
        self._outbox.send(api.InputAudioBufferCleared())

    # ---- what time does ------------------------------------------------------

    def hear_agent(self, seconds: float, now: float) -> None:
        """So much of an answer goes to the client."""
        self._idle.audio(seconds, now)

    def answered(self) -> None:
        """The engine finished an answer."""
        self._idle.answered()

    def tick(self, now: float) -> None:
        """Where the user has been silent for as long as the client allows, the agent speaks."""
        heard_ms = int(self._input.heard_ms)
        since_ms = self._idle.passed(
            now,
            self._session.turn_detection,
            agent_busy=self._responses.busy,
            user_speaks=self._input.holds_speech,
            heard_ms=heard_ms,
        )
        # A full-duplex agent hears the silence, too.
        if since_ms is None or self._full_duplex:
            return
        self._outbox.send(
            api.InputAudioBufferTimeoutTriggered(
                item_id=self._input.upcoming_item_id(),
                audio_start_ms=since_ms,
                audio_end_ms=heard_ms,
            )
        )
        self._commit()
        self._responses.answer_turn()

    # ---- what all lead to ----------------------------------------------------

    def _commit(self) -> None:
        audio = self._input.commit()
        self._outbox.command(engine.Commit(audio.item_id))
        item = Message(id=audio.item_id, role="user", content=[InputAudio()], status="completed")
        previous = self._history.insert(item)
        self._outbox.send(
            api.InputAudioBufferCommitted(item_id=audio.item_id, previous_item_id=previous),
            api.ConversationItemAdded(item=item, previous_item_id=previous),
            api.ConversationItemDone(item=item, previous_item_id=previous),
            *self._transcripts.committed(audio),
        )


def _keep_transcript(history: ItemHistory, item_id: str, text: str) -> None:
    history.replace(
        Message(id=item_id, role="user", content=[InputAudio(transcript=text)], status="completed")
    )
