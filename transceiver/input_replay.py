"""The newest stretch of a call's input, for an engine that takes over in the middle of a turn.

    quiet ──speech_started──► held ──committed──► awaited ──transcribed──► quiet

While nobody speaks, only enough is kept for a voice detector to settle. From when speech
starts it is held until the words are known: until then they are nowhere but in the audio.
"""

from collections import OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass

from antiphon_proto.audio_block import BYTES_PER_SAMPLE
from antiphon_proto.trunk import (
    ClearInput,
    Command,
    Commit,
    Event,
    InputTranscript,
    Open,
    SpeechDismissed,
    SpeechStarted,
    Update,
)

QUIET_S = 0.5
HELD_S = 15.0
"""Of a turn that is longer, the beginning is lost."""

MAX_RUN_S = 1.0
MAX_AWAITED = 8
"""Turns whose words are not known; of older ones they never will be."""


@dataclass(frozen=True, slots=True)
class Heard:
    """Samples whose first is sample `position` of the input clock."""

    position: int
    pcm: bytes


@dataclass(frozen=True, slots=True)
class Committed:
    """What came before sample `position` became this item, whose words are not known."""

    item_id: str
    position: int


class InputReplay:
    """Mutated as input and turns go on; `script` says what to repeat to another engine."""

    def __init__(self) -> None:
        self._detects_turns = True
        self._frames: deque[tuple[int, bytes]] = deque()
        self._bytes = 0
        self._end = 0
        self._bytes_per_s = 24_000 * BYTES_PER_SAMPLE
        self._speaking = False
        self._awaited: OrderedDict[str, int] = OrderedDict()
        self._limit = self._quiet_bytes

    def start(self, rate: int) -> None:
        """The input has so many samples a second."""
        self._bytes_per_s = rate * BYTES_PER_SAMPLE
        self._settle()

    def follow_command(self, command: Command) -> None:
        """The engine is told this."""
        match command:
            case Open(config=config) | Update(config):
                self.detect_turns(config.turn_detection is not None)
            case Commit(item_id):
                self.committed(item_id)
            case ClearInput():
                self.clear()

    def follow_event(self, event: Event) -> None:
        """The engine tells this."""
        match event:
            case SpeechStarted():
                self.speech_started()
            case SpeechDismissed():
                self.speech_dismissed()
            case InputTranscript(item_id, _, True) if item_id:
                self.transcribed(item_id)

    def detect_turns(self, detects: bool) -> None:
        """Whether the engine does; where the client commits by itself, all is held until then."""
        self._detects_turns = detects
        self._settle()

    def push(self, position: int, pcm: bytes) -> None:
        """Note what the engine is given to hear."""
        self._frames.append((position, pcm))
        self._bytes += len(pcm)
        self._end = position + len(pcm) // BYTES_PER_SAMPLE
        while self._bytes > self._limit:
            self._bytes -= len(self._frames.popleft()[1])

    def speech_started(self) -> None:
        self._speaking = True
        self._settle()

    def speech_dismissed(self) -> None:
        """What was said since the last commit is no turn."""
        self._speaking = False
        self._settle()

    def committed(self, item_id: str) -> None:
        """What was heard up to here became an item; its words are still to come."""
        self._speaking = False
        self._awaited[item_id] = self._end
        if len(self._awaited) > MAX_AWAITED:
            self._awaited.popitem(last=False)
        self._settle()

    def transcribed(self, item_id: str) -> None:
        """The words of an item are known, or will never be."""
        position = self._awaited.pop(item_id, None)
        if position is None:
            return
        # An older turn whose words have not come before a later one's is given up.
        for older in [each for each, end in self._awaited.items() if end <= position]:
            del self._awaited[older]
        self._forget_before(position - int(QUIET_S * self._bytes_per_s) // BYTES_PER_SAMPLE)
        self._settle()

    def clear(self) -> None:
        """What was heard since the last commit was forgotten."""
        self._speaking = False
        committed = next(reversed(self._awaited.values()), 0)
        while self._frames and self._frames[-1][0] >= committed:
            self._bytes -= len(self._frames.pop()[1])
        self._settle()

    def script(self) -> list[Heard | Committed]:
        """What to repeat, in order."""
        script: list[Heard | Committed] = []
        marks = list(self._awaited.items())
        for run in self._runs():
            while marks and marks[0][1] <= run.position:
                script.append(Committed(*marks.pop(0)))
            script.append(run)
        return script + [Committed(*mark) for mark in marks]

    def _runs(self) -> Iterator[Heard]:
        """The frames, those that follow one another joined, but over no commit."""
        ends = set(self._awaited.values())
        start, pcm = 0, bytearray()
        for position, frame in self._frames:
            follows = position == start + len(pcm) // BYTES_PER_SAMPLE
            if pcm and (
                not follows or position in ends or len(pcm) > MAX_RUN_S * self._bytes_per_s
            ):
                yield Heard(start, bytes(pcm))
                pcm.clear()
            if not pcm:
                start = position
            pcm += frame
        if pcm:
            yield Heard(start, bytes(pcm))

    @property
    def _quiet_bytes(self) -> int:
        return int(QUIET_S * self._bytes_per_s)

    def _settle(self) -> None:
        """Keep as much as there is need for."""
        held = self._speaking or self._awaited or not self._detects_turns
        self._limit = int(HELD_S * self._bytes_per_s) if held else self._quiet_bytes

    def _forget_before(self, position: int) -> None:
        while self._frames and self._frames[0][0] < position:
            self._bytes -= len(self._frames.popleft()[1])
