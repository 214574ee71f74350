"""The contract of turn detectors: when the user starts to speak, and when a turn is whole.

Time is the input clock's, in samples, so that audio which arrives in a burst, or
not at all, is judged as if it had come evenly.
"""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class VoiceBegan:
    """The first window of a turn that holds speech."""

    position: int
    """Behind that window's last sample."""


@dataclass(frozen=True, slots=True)
class VoiceEnded:
    """A pause long enough to end the turn."""

    voiced_end: int
    """Behind the last window that held speech."""
    position: int
    """Behind the window that made the pause long enough."""


TurnSignal = VoiceBegan | VoiceEnded


class TurnDetector(Protocol):
    """Finds the turns in one session's input."""

    @property
    def voiced_end(self) -> int | None:
        """Behind the last window that held speech of a turn that has begun."""

    @property
    def silence(self) -> int:
        """Samples judged since `voiced_end`; 0 outside a turn."""

    def push_audio(self, position: int, pcm: bytes) -> None:
        """Take 16 bit samples, the first of which is sample `position`, before they are judged."""

    def push_voice(self, probability: float, position: int) -> TurnSignal | None:
        """Judge the window that ends before sample `position` by its probability of speech."""

    def update_text(self, transcript: str) -> None:
        """The words of this turn, as far as they were heard, are these."""

    def predict(self) -> float:
        """How likely the turn is whole, by what was heard of it, from 0 to 1."""

    def reset(self) -> None:
        """Forget a turn that has begun."""
