"""The user's audio since the last commit, as far as events tell of it.

    quiet ──speech_started──► speaking ──speech_stopped──► paused ──commit──► quiet
                                  ▲──────speech_started──────┘

The id minted when speech starts is the id of the item that the commit makes.
"""

from collections.abc import Callable
from dataclasses import dataclass

MIN_COMMIT_MS = 100
"""Less than this is an empty buffer to the API."""


@dataclass(slots=True)
class _Speech:
    item_id: str
    started_ms: int
    stopped_ms: int | None = None


@dataclass(frozen=True, slots=True)
class CommittedAudio:
    """`seconds` of audio that became an item."""

    item_id: str
    seconds: float


class InputBuffer:
    """Counts audio and follows speech in it; holds no audio."""

    def __init__(self, new_item_id: Callable[[], str]) -> None:
        self._new_item_id = new_item_id
        self._buffered_ms = 0.0
        self.heard_ms = 0.0
        """Of all audio in the session."""
        self._speech: _Speech | None = None
        self._item_id: str | None = None
        """Named already, or minted for speech that was dismissed: it goes to what is committed
        next."""

    @property
    def committable(self) -> bool:
        return self._buffered_ms >= MIN_COMMIT_MS

    @property
    def buffered_ms(self) -> float:
        return self._buffered_ms

    @property
    def speaking(self) -> bool:
        """Whether speech started that has not stopped."""
        return self._speech is not None and self._speech.stopped_ms is None

    @property
    def holds_speech(self) -> bool:
        """Whether speech started since the last commit."""
        return self._speech is not None

    @property
    def holds_turn(self) -> bool:
        """Whether a turn that ended can be in it, or it was committed or cleared meanwhile."""
        return self._speech is not None or self.committable

    def add_audio(self, milliseconds: float) -> None:
        self._buffered_ms += milliseconds
        self.heard_ms += milliseconds

    def upcoming_item_id(self) -> str:
        """The id of the item that the next commit makes."""
        if self._speech is not None:
            return self._speech.item_id
        self._item_id = self._next_item_id()
        return self._item_id

    def speech_started(self, audio_start_ms: int) -> str:
        """The id of the item to be; it stays when speech goes on before a commit."""
        if self._speech is None:
            self._speech = _Speech(self._next_item_id(), audio_start_ms)
        self._speech.stopped_ms = None
        return self._speech.item_id

    def speech_stopped(self, audio_end_ms: int) -> str | None:
        """The id of the item to be; None when nobody spoke, or it was cleared since."""
        if self._speech is None or self._speech.stopped_ms is not None:
            return None
        self._speech.stopped_ms = audio_end_ms
        return self._speech.item_id

    def dismiss_speech(self) -> None:
        """What was said was not meant for anyone: it is forgotten as if it were silence."""
        if self._speech is not None:
            self._item_id = self._speech.item_id
        self._speech = None
        self._buffered_ms = 0.0

    def commit(self) -> CommittedAudio:
        """What was heard since the last commit becomes an item."""
        speech, buffered_ms = self._speech, self._buffered_ms
        item_id = speech.item_id if speech else self._next_item_id()
        self.clear()
        if speech is None:
            return CommittedAudio(item_id, buffered_ms / 1000)
        if speech.stopped_ms is None:
            return CommittedAudio(speech.item_id, buffered_ms / 1000)
        spoken_ms = max(0, speech.stopped_ms - speech.started_ms)
        return CommittedAudio(speech.item_id, spoken_ms / 1000)

    def clear(self) -> None:
        self._buffered_ms = 0.0
        self._speech = None
        self._item_id = None

    def _next_item_id(self) -> str:
        return self._item_id or self._new_item_id()
