"""`python -m bench.loss.waits`: how long to wait for a packet that is missing.

Speech over a path that loses packets and holds others back, each on its own, so that those
behind overtake them. A longer wait decodes more of what was late, and delays what follows each
loss by more.
"""

import argparse
import random
import statistics
from dataclasses import dataclass, field
from unittest import mock

from bench.figures import percentile
from bench.loss import antiphon_listener
from bench.loss.channel import Pattern, lost
from bench.loss.experiment import fates
from bench.loss.outcome import FrameCounts
from bench.loss.quality import score
from bench.loss.speech import sentences
from bench.loss.stream import FRAME_S, TAIL_FRAMES, Stream, stream
from transceiver.rtp import reordering

LOSS = 0.05
LATE = 0.05
LATEST_S = 0.080
PHASE_S = 0.010


@dataclass(frozen=True, slots=True)
class Wait:
    """What `transceiver.rtp.reordering` gives a missing packet."""

    seconds: float
    held: int


WAITS = (Wait(0.0, 1), Wait(0.020, 2), Wait(0.040, 3), Wait(0.060, 4), Wait(0.100, 6))


@dataclass(slots=True)
class Tally:
    """What became of all sentences."""

    scores: list[float] = field(default_factory=list)
    delays_s: list[float] = field(default_factory=list)
    late: FrameCounts = field(default_factory=FrameCounts)
    """Those held back count as lost, and as recovered when they were decoded after all."""

    def add(self, sent: Stream, packets: list[bytes], number: int, wait: Wait) -> None:
        arrivals, late = _path(packets, random.Random(number))
        duration_s = len(packets) * FRAME_S
        with mock.patch.multiple(reordering, MAX_WAIT_S=wait.seconds, MAX_HELD=wait.held):
            heard = antiphon_listener.listen_to(arrivals, duration_s, PHASE_S)
        whole = antiphon_listener.listen(packets, set(), PHASE_S)
        self.scores.append(score(whole.samples, heard.samples))
        self.delays_s += heard.delays_s
        self.late = self.late.plus(fates(sent, late, heard))

    def row(self) -> str:
        error = 1.96 * statistics.stdev(self.scores) / len(self.scores) ** 0.5
        mean, p95, most = (
            1000 * delay
            for delay in (
                statistics.mean(self.delays_s),
                percentile(self.delays_s, 95),
                max(self.delays_s),
            )
        )
        return (
            f"{statistics.mean(self.scores):8.2f} {error:5.2f}"
            f" {self.late.recovered / self.late.lost:20.0%} {mean:15.1f} {p95:4.0f} {most:5.0f}"
        )


def _path(
    packets: list[bytes], chance: random.Random
) -> tuple[list[tuple[float, bytes]], set[int]]:
    """When packets arrive, and which of them were held back."""
    gone = lost(Pattern.RANDOM, LOSS, len(packets) - TAIL_FRAMES, chance)
    arrivals, late = [], set()
    for place, packet in enumerate(packets):
        held_s = chance.uniform(0.0, LATEST_S) if place and chance.random() < LATE else 0.0
        if place not in gone:
            arrivals.append((place * FRAME_S + held_s, packet))
            late |= {place} if held_s else set()
    return arrivals, late


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sentences", type=int, default=40)
    spoken = sentences(parser.parse_args().sentences)
    streams = [stream(sentence.samples, LOSS) for sentence in spoken]
    print("packets   wait ms  PESQ-WB   +-     late frames decoded  delay ms: mean  p95  most")
    for name in ("plain", "redundant"):
        for wait in WAITS:
            tally = Tally()
            for number, sent in enumerate(streams):
                tally.add(sent, getattr(sent, name), number, wait)
            print(f"{name:9} {1000 * wait.seconds:7.0f} {tally.row()}")


if __name__ == "__main__":
    main()
