"""What a WebSocket caller says, and what it makes of what it is told."""

from base64 import b64decode
from dataclasses import dataclass

import msgspec
import numpy as np

from antiphon_proto.realtime.client_events import ConversationItemTruncate
from antiphon_proto.realtime.response_events import (
    ResponseDone,
    ResponseOutputAudioDelta,
    ResponseOutputAudioTranscriptDone,
)
from antiphon_proto.realtime.server_events import Error, InputAudioBufferSpeechStarted
from loadtest.callers.answer_check import FLOOR_DB, envelope
from loadtest.callers.heard_events import parse_heard
from loadtest.callers.silence_watch import SilenceWatch
from loadtest.callers.speech import FRAME_S
from loadtest.callers.talk import Conversation
from loadtest.callers.turn_judge import TurnJudge
from loadtest.callers.turn_ledger import note_ledger
from loadtest.callers.websocket.append_events import (
    RATE,
    EncodedSpeech,
    append_event,
    audio_seconds,
)
from loadtest.callers.websocket.playout import Playout
from loadtest.measures.measures import Measures
from loadtest.measures.names import Count

FRAMES_PER_APPEND = 2
"""As many clients do: 40 ms of audio in an event."""


@dataclass(frozen=True, slots=True)
class Voice:
    """What all callers of a fleet say."""

    encoded: EncodedSpeech
    loudness: tuple[tuple[float, ...], ...]
    """Of each utterance, for each frame."""


class Caller:
    """One session, once it was created. Ask it for what to `say` every 20 ms, and give it each
    event that was `received`."""

    def __init__(
        self,
        voice: Voice,
        conversation: Conversation,
        judge: TurnJudge,
        playout: Playout,
        silence: SilenceWatch,
        measures: Measures,
        *,
        compares: bool,
    ) -> None:
        """`compares`: whether the sound of answers matters to the judge."""
        self._voice = voice
        self._conversation = conversation
        self._judge = judge
        self._playout = playout
        self._measures = measures
        self._compares = compares
        self._frames: list[str] = []
        self._playing: ResponseOutputAudioDelta | None = None
        """The last audio of the answer that plays."""
        self._silenced: str | None = None
        """The response that was interrupted."""
        self._speaking = self._answer_done = False
        self._silence = silence

    def say(self, now: float) -> str | None:
        """The event to send, if there is one in these 20 ms."""
        self._listen(now)
        spoken = self._conversation.frame(now)
        self._speaking = spoken is not None
        if spoken is None:
            self._frames.append(self._voice.encoded.silence)
        else:
            self._silence.spoke(now)
            self._frames.append(self._voice.encoded.utterances[spoken.utterance][spoken.frame])
        if self._compares:
            loudness = self._voice.loudness
            said = loudness[spoken.utterance][spoken.frame] if spoken is not None else FLOOR_DB
            self._judge.said(now, said)
        if len(self._frames) < FRAMES_PER_APPEND:
            return None
        frames, self._frames = self._frames, []
        self._measures.count(Count.FRAMES_SENT, len(frames))
        return append_event(frames)

    def received(self, text: bytes, now: float) -> bytes | None:
        """An event came. Returns one to send for it. Raises ServerEventError."""
        self._measures.count(Count.EVENTS_RECEIVED)
        event = parse_heard(text).event
        if isinstance(event, ResponseOutputAudioDelta):
            self._play(event, now)
        elif isinstance(event, ResponseOutputAudioTranscriptDone):
            self._judge.transcribed(event.response_id, event.transcript, now)
        elif isinstance(event, ResponseDone):
            note_ledger(event.response.metadata, self._measures)
            playing = self._playing
            self._answer_done = playing is not None and playing.response_id == event.response.id
        elif isinstance(event, InputAudioBufferSpeechStarted):
            return self._fall_silent(now)
        elif isinstance(event, Error):
            self._measures.count(Count.ERRORS_RECEIVED)
        return None

    def settle(self) -> None:
        """Have what came since the last time noted; about once each second."""
        self._playout.settle()

    def close(self, now: float) -> bool:
        """Hang up. False: answers were due, and nothing was heard in all the call."""
        self._listen(now)
        self._conversation.close(now)
        self._judge_turns()
        self._playout.settle()
        return not self._silence.silent(now)

    def _play(self, event: ResponseOutputAudioDelta, now: float) -> None:
        if event.response_id == self._silenced:
            # Said in spite of the interruption. Once that is over it would pass for an answer.
            if self._speaking:
                self._conversation.heard(now)
            return
        self._judge.responded(event.response_id, now)
        if self._compares:
            self._compare(event, now)
        self._playout.received(event.response_id, audio_seconds(event.delta), now)
        self._playing, self._answer_done = event, False
        self._silence.heard()
        self._conversation.heard(now)

    def _compare(self, event: ResponseOutputAudioDelta, now: float) -> None:
        samples = np.frombuffer(b64decode(event.delta), np.int16)
        begins = max(now, self._playout.dry_at)
        for number, loudness in enumerate(envelope(samples, RATE).tolist()):
            self._judge.heard(begins + number * FRAME_S, loudness)

    def _fall_silent(self, now: float) -> bytes | None:
        """Somebody spoke while an answer played: say how much of it was heard."""
        playing = self._playing
        if playing is None or not self._playout.playing(now):
            return None
        self._conversation.heard(now)
        heard_ms = int(self._playout.played_s(now) * 1000)
        self._playout.fall_silent(now)
        self._playing, self._silenced = None, playing.response_id
        self._conversation.answer_over(now)
        return msgspec.json.encode(
            ConversationItemTruncate(
                item_id=playing.item_id, content_index=playing.content_index, audio_end_ms=heard_ms
            )
        )

    def _listen(self, now: float) -> None:
        """To what the loudspeaker plays."""
        if self._playout.playing(now):
            self._conversation.heard(now)
        elif self._answer_done:
            self._answer_done = False
            self._conversation.answer_over(now)
        self._judge_turns()

    def _judge_turns(self) -> None:
        for turn in self._conversation.take_turns():
            self._silence.turn(turn)
            self._judge.judge(turn)
