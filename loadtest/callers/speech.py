"""What callers say: recorded questions, encoded before the run."""

import re
from dataclasses import dataclass

FRAME_S = 0.02


@dataclass(frozen=True, slots=True)
class Utterance:
    """A question."""

    text: str
    answer: re.Pattern[str]
    """What the transcript of a fitting answer has somewhere in it."""
    packets: tuple[bytes, ...]
    """Opus, 20 ms each, mono."""


@dataclass(frozen=True, slots=True)
class Speech:
    """All that there is to be said."""

    utterances: tuple[Utterance, ...]
    silence: bytes
    """An Opus packet of 20 ms without a sound."""

    def pcm(self, utterance: int, rate: int) -> tuple[bytes, ...]:
        """An utterance as s16 mono in frames of 20 ms, decoded once for each rate."""
        raise NotImplementedError

    def pcmu(self, utterance: int) -> tuple[bytes, ...]:
        """An utterance as G.711 mu-law in frames of 20 ms (160 bytes)."""
        raise NotImplementedError


def recorded_speech() -> Speech:
    """What the package ships; read once."""
    raise NotImplementedError
