"""What was heard, against what was said."""

import statistics
from collections.abc import Iterator
from dataclasses import dataclass

from bench.dtx.conversation import Turn
from bench.dtx.ears import Heard
from bench.figures import percentile
from bench.loss.recognition import word_errors
from transceiver.rtp.packet import RtpPacket


@dataclass(slots=True)
class Result:
    """Turns, on the same clock."""

    spoken: list[Turn]
    heard: list[Heard]
    packets_per_second: float
    """In the pauses."""

    @classmethod
    def of(
        cls, spoken: list[Turn], heard: list[Heard], sent: list[tuple[float, RtpPacket]]
    ) -> "Result":
        pauses = [leaves for leaves, _ in sent if not any(turn.during(leaves) for turn in spoken)]
        paused_s = sent[-1][0] - sum(turn.end_s - turn.start_s for turn in spoken)
        return cls(spoken, heard, len(pauses) / paused_s)

    @property
    def split(self) -> int:
        return sum(max(0, len(self._of(turn)) - 1) for turn in self.spoken)

    @property
    def merged(self) -> int:
        counts = [sum(heard.overlaps(turn) for turn in self.spoken) for heard in self.heard]
        return sum(max(0, count - 1) for count in counts)

    @property
    def false(self) -> int:
        return sum(not any(map(heard.overlaps, self.spoken)) for heard in self.heard)

    @property
    def found(self) -> int:
        return sum(bool(self._of(turn)) for turn in self.spoken)

    @property
    def starts_ms(self) -> list[float]:
        """Of turns that were found whole."""
        pairs = [(turn, self._of(turn)) for turn in self.spoken]
        return [1000 * (of[0].begun_s - turn.start_s) for turn, of in pairs if len(of) == 1]

    @property
    def ends_ms(self) -> list[float]:
        """Of turns that were found whole."""
        pairs = [(turn, self._of(turn)) for turn in self.spoken]
        return [1000 * (of[0].found_s - turn.end_s) for turn, of in pairs if len(of) == 1]

    @property
    def wrong_words(self) -> int:
        spoken = [word for turn in self.spoken for word in turn.text.split()]
        return word_errors(spoken, [word for heard in self.heard for word in heard.text.split()])

    def _of(self, turn: Turn) -> list[Heard]:
        return [heard for heard in self.heard if heard.overlaps(turn)]

    def figures(self) -> Iterator[tuple[str, float]]:
        yield "turns", self.found
        yield "split", self.split
        yield "merged", self.merged
        yield "false", self.false
        for name, values in (("start", self.starts_ms), ("end", self.ends_ms)):
            yield f"{name}_p50_ms", round(statistics.median(values))
            yield f"{name}_p95_ms", round(percentile(values, 95))
        yield "wrong_words", self.wrong_words
        yield "packets_per_second", round(self.packets_per_second, 1)
