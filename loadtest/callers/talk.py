"""Who speaks when: a caller's side of a conversation, frame by frame."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from loadtest.measures.measures import Measures
from loadtest.scenario.scenario import Talk


@dataclass(frozen=True, slots=True)
class SpokenFrame:
    """20 ms of speech."""

    utterance: int
    frame: int
    """Within the utterance."""
    spurt: bool
    """Whether a talk spurt begins with it: RTP's marker."""


@dataclass(frozen=True, slots=True)
class Turn:
    """Something said, and what came of it."""

    utterance: int
    """The first one said of it."""
    began_at: float
    ended_at: float
    """When its last frame was sent."""
    answered_at: float | None
    """When the first frame of its answer came; None: patience ended."""
    answer_ended_at: float | None
    """When the last one came."""
    interrupted: bool
    """Whether the answer was cut short by the caller."""


class Conversation:
    """Ask it for a `frame` every 20 ms, and tell it of each frame `heard` that has voice.

    It notes VOICE_TO_VOICE, BARGE_IN, TURNS, TURNS_UNANSWERED and BARGE_INS itself. Whether an
    answer was right, its user judges, by the turns that it hands out.
    """

    def __init__(
        self,
        talk: Talk,
        lengths: Sequence[int],
        chance: random.Random,
        measures: Measures,
        *,
        starts_at: float,
    ) -> None:
        """`lengths` are the utterances', in frames; speech does not begin before `starts_at`."""
        raise NotImplementedError

    def frame(self, now: float) -> SpokenFrame | None:
        """What is to be sent in these 20 ms; None: silence."""
        raise NotImplementedError

    def heard(self, at: float) -> None:
        """A frame with voice in it came."""
        raise NotImplementedError

    def answer_over(self, now: float) -> None:
        """The far side said that its answer is over; else a pause of a second tells."""
        raise NotImplementedError

    def take_turns(self) -> list[Turn]:
        """Those that came to their end since the last time."""
        raise NotImplementedError

    def close(self, now: float) -> None:
        """Hang up: a turn whose answer was not due yet counts as none."""
        raise NotImplementedError
