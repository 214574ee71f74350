"""Who speaks when: a caller's side of a conversation, frame by frame."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from loadtest.callers.speech import FRAME_S
from loadtest.callers.talk_spurts import SpokenFrame, TalkSpurts
from loadtest.measures.measures import Measures
from loadtest.measures.names import Count, Latency
from loadtest.scenario.scenario import Expect, Talk, TalkModel

QUIET_S = 0.3
"""Who says nothing for so long is quiet: gaps between words are shorter."""
ECHO_S = 0.6
"""So long after a word its echo may begin; what is said sooner belongs to the same turn."""
LEAST_SOUNDS = 5
"""Frames with a sound that something said must have to be a turn: single ones get lost."""
ANSWER_OVER_S = 1.0
"""After so long without a voice an answer is over, where nobody says so."""

_NEVER = float("-inf")


@dataclass(frozen=True, slots=True)
class Turn:
    """Something said, and what came of it."""

    utterance: int
    """The first one said of it."""
    began_at: float
    ended_at: float
    """When its last frame was sent."""
    frames: int = 0
    """Said."""
    answered_at: float | None = None
    """When the first frame of its answer came; None: patience ended."""
    answer_ended_at: float | None = None
    """When the last one came."""
    voiced: int = 0
    """Frames of the answer that had a voice in them."""
    interrupted: bool = False
    """Whether the answer was cut short by the caller."""


@dataclass(slots=True)
class _OpenTurn:
    """As `Turn`, while it goes on."""

    utterance: int
    began_at: float
    ended_at: float
    frames: int = 1
    answered_at: float | None = None
    answer_ended_at: float | None = None
    voiced: int = 0
    sounds: int = 1
    """Frames said that had one."""
    noted: bool = False
    """Whether its answer's delay was."""

    def closed(self, *, interrupted: bool = False) -> Turn:
        return Turn(
            utterance=self.utterance,
            began_at=self.began_at,
            ended_at=self.ended_at,
            frames=self.frames,
            answered_at=self.answered_at,
            answer_ended_at=self.answer_ended_at,
            voiced=self.voiced,
            interrupted=interrupted,
        )


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
        audible: Sequence[Sequence[bool]] = (),
    ) -> None:
        """`lengths` are the utterances', in frames; speech does not begin before `starts_at`.

        `audible` says which frames of each have a sound, all of them unless given: the echo of
        those that have none is not to be heard.
        """
        self._talk = talk
        self._lengths = lengths
        self._audible = audible
        self._chance = chance
        self._measures = measures
        self._echo = talk.expect is Expect.ECHO
        self._asks = talk.model is TalkModel.TURNS
        self._spurts = TalkSpurts(
            lengths,
            chance,
            spurt_s=talk.spurt_seconds if talk.model is TalkModel.ON_OFF else None,
            pause_s=talk.pause_seconds,
            starts_at=starts_at,
        )
        self._next_question_at = starts_at
        self._asking: tuple[int, int] | None = None
        self._turn: _OpenTurn | None = None
        self._over: list[Turn] = []
        self._voice_at = self._spoke_at = _NEVER
        self._interrupt_at: float | None = None
        self._interruption: tuple[float, float] | None = None
        """When one began, and when what it interrupted was last heard."""

    def frame(self, now: float) -> SpokenFrame | None:
        """What is to be sent in these 20 ms; None: silence."""
        self._watch_turn(now)
        self._watch_interruption(now)
        spoken = self._question_frame(now) if self._asks else self._spurts.frame(now)
        if spoken is not None:
            self._said(spoken, now)
        return spoken

    def heard(self, at: float) -> None:
        """A frame with voice in it came."""
        quiet = at - self._voice_at > QUIET_S
        self._voice_at = max(self._voice_at, at)
        if self._interruption is not None:
            self._interruption = self._interruption[0], at
        turn = self._turn
        if turn is None:
            return
        if turn.answered_at is None:
            if not (self._echo or (self._asking is None and quiet)):
                return
            self._answered(turn, at)
        turn.answer_ended_at = at
        turn.voiced += 1

    def answer_over(self, now: float) -> None:
        """The far side said that its answer is over; else a pause of a second tells."""
        if self._turn is not None and self._turn.answered_at is not None and not self._echo:
            self._finish(now)

    def take_turns(self) -> list[Turn]:
        """Those that came to their end since the last time."""
        over, self._over = self._over, []
        return over

    def close(self, now: float) -> None:
        """Hang up: a turn whose answer was not due yet counts as none."""
        turn, self._turn = self._turn, None
        if turn is not None and turn.answered_at is not None and turn.sounds >= LEAST_SOUNDS:
            self._over.append(turn.closed())

    def _question_frame(self, now: float) -> SpokenFrame | None:
        if self._asking is None:
            if not self._may_ask(now):
                return None
            self._asking = self._chance.randrange(len(self._lengths)), 0
        utterance, frame = self._asking
        last = frame + 1 >= self._lengths[utterance]
        self._asking = None if last else (utterance, frame + 1)
        return SpokenFrame(utterance, frame, frame == 0)

    def _may_ask(self, now: float) -> bool:
        if self._turn is None:
            return now >= self._next_question_at
        if self._interrupt_at is None or now < self._interrupt_at:
            return False
        self._interrupt_at = None
        self._interruption = now, now
        self._measures.count(Count.BARGE_INS)
        self._over.append(self._turn.closed(interrupted=True))
        self._turn = None
        return True

    def _said(self, spoken: SpokenFrame, now: float) -> None:
        audible = not self._audible or self._audible[spoken.utterance][spoken.frame]
        turn = self._turn
        if turn is not None:
            turn.frames += 1
            if audible or not self._echo:
                turn.ended_at = now
                self._sounded(turn)
        elif self._begins_turn(spoken, now, audible=audible):
            self._turn = _OpenTurn(spoken.utterance, now, now)
        if audible:
            self._spoke_at = now

    def _sounded(self, turn: _OpenTurn) -> None:
        turn.sounds += 1
        if turn.sounds == LEAST_SOUNDS:
            self._measures.count(Count.TURNS)
        self._note_delay(turn)

    def _note_delay(self, turn: _OpenTurn) -> None:
        """Of the answer, once there is one, and what it answers is a turn."""
        if turn.noted or turn.answered_at is None or turn.sounds < LEAST_SOUNDS:
            return
        since = turn.began_at if self._echo else turn.ended_at
        self._measures.note(Latency.VOICE_TO_VOICE, max(turn.answered_at - since, 0.0))
        turn.noted = True

    def _begins_turn(self, spoken: SpokenFrame, now: float, *, audible: bool) -> bool:
        """What is said while an echo is still heard, or due, cannot be told from it."""
        if not self._echo:
            return spoken.spurt
        return audible and now - self._voice_at > QUIET_S and now - self._spoke_at > ECHO_S

    def _answered(self, turn: _OpenTurn, at: float) -> None:
        turn.answered_at = at
        self._note_delay(turn)
        if self._asks and not self._echo and self._chance.random() < self._talk.barge_in:
            self._interrupt_at = at + self._talk.barge_in_seconds

    def _watch_turn(self, now: float) -> None:
        """End a turn that is over, or that nobody answers."""
        turn = self._turn
        if turn is None:
            return
        if turn.sounds < LEAST_SOUNDS:
            if now - self._spoke_at > ECHO_S:
                self._turn = None
            return
        if turn.answered_at is None:
            since = turn.began_at if self._echo else turn.ended_at
            if self._asking is None and now - since > self._talk.patience_seconds:
                self._measures.count(Count.TURNS_UNANSWERED)
                self._finish(now)
            return
        pause = QUIET_S if self._echo else ANSWER_OVER_S
        if now - max(self._voice_at, turn.ended_at + FRAME_S) > pause:
            self._finish(now)

    def _watch_interruption(self, now: float) -> None:
        """Note how long an interrupted answer went on, once it is quiet."""
        if self._interruption is None:
            return
        began_at, heard_at = self._interruption
        if now - heard_at > QUIET_S:
            self._measures.note(Latency.BARGE_IN, heard_at - began_at)
            self._interruption = None

    def _finish(self, now: float) -> None:
        assert self._turn is not None
        self._over.append(self._turn.closed())
        self._turn = self._interrupt_at = None
        self._next_question_at = now + self._chance.expovariate(1 / self._talk.pause_seconds)
