"""Whether the answers of one call are right, turn by turn.

An echo is right when its loudness goes as that of what was said; an answer when the transcript of
one of the responses that were heard in its time fits the question, or, where the far side tells
none, when it is not what was said. What has too little sound to be compared counts as right for
having come at all; so does an answer that was interrupted, and one to a talk spurt, which need not
be a whole question.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from loadtest.callers.answer_check import FLOOR_DB, Envelope, fits, is_echo
from loadtest.callers.speech import FRAME_S
from loadtest.callers.talk import Turn
from loadtest.measures.measures import Measures
from loadtest.measures.names import Count
from loadtest.scenario.scenario import Expect, Talk, TalkModel

KEPT_FRAMES = 500
"""Of ten seconds: a longer turn is judged by its end."""
LATEST_ECHO_S = 1.5
"""What comes later is something else."""
COMPARED_S = 1.0, 3.0
"""How much of an answer is compared, at least and at most; behind a short one is silence, which
follows what was said too."""
MOST_RESPONSES = 64
"""That are remembered of a turn that goes on."""
HELD_S = 0.06
"""A frame stands for so long where the next ones are missing, or come late."""


@dataclass(slots=True)
class _Response:
    heard_at: float
    transcript: str | None = None


class TurnJudge:
    """Counts TURNS_RIGHT and TURNS_WRONG; turns that nobody answered are not its matter."""

    def __init__(self, talk: Talk, patterns: Sequence[str], measures: Measures) -> None:
        """`patterns` are the utterances', of the transcripts of fitting answers."""
        self._talk = talk
        self._patterns = patterns
        self._measures = measures
        self._said: deque[tuple[float, float]] = deque(maxlen=KEPT_FRAMES)
        self._heard: deque[tuple[float, float]] = deque(maxlen=KEPT_FRAMES)
        self._responses: dict[str, _Response] = {}

    def said(self, at: float, loudness_db: float) -> None:
        """A frame of 20 ms was said."""
        self._said.append((at, loudness_db))

    def heard(self, at: float, loudness_db: float) -> None:
        """A frame of 20 ms is heard; `at` is when it is played, evenly for frames of one piece."""
        self._heard.append((at, loudness_db))

    def responded(self, response: str, at: float) -> None:
        """The first audio of a response came."""
        self._response(response, at)

    def transcribed(self, response: str, transcript: str, at: float) -> None:
        """All that a response says."""
        self._response(response, at).transcript = transcript

    def judge(self, turn: Turn) -> None:
        """Count a turn that is over."""
        if turn.answered_at is None:
            return
        right = self._echoed(turn) if self._talk.expect is Expect.ECHO else self._answered(turn)
        self._measures.count(Count.TURNS_RIGHT if right else Count.TURNS_WRONG)
        self._forget(turn)

    def _response(self, response: str, at: float) -> _Response:
        found = self._responses.setdefault(response, _Response(at))
        while len(self._responses) > MOST_RESPONSES:
            del self._responses[next(iter(self._responses))]
        return found

    def _answered(self, turn: Turn) -> bool:
        if turn.interrupted or self._talk.model is not TalkModel.TURNS:
            return True
        transcripts = self._transcripts(turn)
        if transcripts:
            return any(fits(each, self._patterns[turn.utterance]) for each in transcripts)
        return self._compared(turn) is not True

    def _echoed(self, turn: Turn) -> bool:
        return turn.interrupted or self._compared(turn) is not False

    def _transcripts(self, turn: Turn) -> list[str]:
        """Of responses from when the question began."""
        return [
            each.transcript
            for each in self._responses.values()
            if each.transcript is not None and each.heard_at >= turn.began_at
        ]

    def _compared(self, turn: Turn) -> bool | None:
        """Whether what was heard, by the answer's end, is what was said lately; None where the
        judge was not told."""
        assert turn.answered_at is not None
        if not self._said:
            return None
        least, most = COMPARED_S
        end = turn.answered_at + max(turn.ended_at - turn.began_at, least)
        end = min(end, self._said[-1][0])
        begin = max(turn.answered_at, end - most)
        said_from = begin - LATEST_ECHO_S
        return is_echo(_evenly(self._said, said_from, end), _evenly(self._heard, begin, end))

    def _forget(self, turn: Turn) -> None:
        """Responses that belong to nothing later."""
        over = turn.answer_ended_at or turn.ended_at
        self._responses = {k: v for k, v in self._responses.items() if v.heard_at > over}


def _evenly(frames: deque[tuple[float, float]], begin: float, end: float) -> Envelope:
    """The loudness each 20 ms of that time, whenever frames came; silence where none did."""
    grid = np.arange(begin, end, FRAME_S)
    if not frames:
        return np.full(len(grid), FLOOR_DB)
    times, loudness = np.array(frames).T
    latest = np.searchsorted(times, grid + FRAME_S / 2) - 1
    known = (latest >= 0) & (grid - times[latest] < HELD_S)
    return np.where(known, loudness[latest], FLOOR_DB)
