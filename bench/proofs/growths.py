"""What grew over a run, by straight lines through its seconds, and whether it may have.

A machine that others use is slower at times, and every latency with it. What a frame costs the
callers says how slow: they do the same work all the time, and share no code with what they call.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from bench.proofs.drift import Drift, drift
from bench.proofs.held_seconds import held_seconds
from bench.proofs.part import Claim
from loadtest.measures.names import Count, Latency
from loadtest.result import RunResult, Second

MEMORY_GROWTH = 0.05
"""Of a tier's memory, as a share of what it was at the line's begin."""


@dataclass(frozen=True, slots=True)
class Bounded:
    """A latency whose column of each second must not grow."""

    name: str
    figure: str
    latency: Latency
    column: int
    """0: median, 1: 99th percentile."""
    growth_ms: float


BOUNDED = (
    Bounded("median set-up", "set_up_p50_ms", Latency.SET_UP, 0, 5.0),
    Bounded("median voice to voice", "voice_to_voice_p50_ms", Latency.VOICE_TO_VOICE, 0, 20.0),
    Bounded(
        "99th percentile of frame lateness", "frame_lateness_p99_ms", Latency.FRAME_LATENESS, 1, 5.0
    ),
)


def growths(result: RunResult, settling: float) -> list[Claim]:
    """`settling`: seconds of the run in which caches and allocators come to have what they keep."""
    seconds = [each for each in held_seconds(result) if each.second >= settling]
    tiers = sorted({tier for each in seconds for tier in each.tiers_memory})
    memory = [_of_memory(tier, memory_line(seconds, tier)) for tier in tiers]
    return memory + [_of_latency(each, *_latency_lines(seconds, each)) for each in BOUNDED]


def memory_line(seconds: Sequence[Second], tier: str) -> Drift | None:
    points = [
        (second, second.tiers_memory[tier]) for second in seconds if tier in second.tiers_memory
    ]
    return drift([second.second for second, _ in points], [held for _, held in points])


def _latency_lines(
    seconds: Sequence[Second], bounded: Bounded
) -> tuple[Drift | None, Drift | None]:
    """Without what the machine did, and with it."""
    found = [each for each in seconds if bounded.latency in each.latencies]
    times = [each.second for each in found]
    values = [1000 * each.latencies[bounded.latency][bounded.column] for each in found]
    return drift(times, values, list(map(_slowness, found))), drift(times, values)


def _slowness(second: Second) -> float:
    """CPU seconds of the callers for a frame."""
    frames = sum(second.counts.get(each, 0) for each in (Count.FRAMES_SENT, Count.FRAMES_RECEIVED))
    return second.workers_cpu / frames if frames else 0.0


def _of_memory(tier: str, line: Drift | None) -> Claim:
    text = f"growth of the memory of {tier}, at most {MEMORY_GROWTH:.0%}"
    if line is None:
        return Claim(text, False, "nothing measured")
    found = f"{line.ratio:+.2%} of {line.mean / 2**20:.0f} MiB"
    return Claim(
        text, line.ratio <= MEMORY_GROWTH, found, f"growth.memory_ratio.{tier}", line.ratio
    )


def _of_latency(bounded: Bounded, line: Drift | None, with_machine: Drift | None) -> Claim:
    text = f"growth of the {bounded.name}, at most {bounded.growth_ms:g} ms"
    if line is None or with_machine is None:
        return Claim(text, False, "nothing measured")
    found = (
        f"{line.growth:+.2f} ms (standard error {line.error:.2f}) of {line.mean:.1f} ms; "
        f"{with_machine.growth:+.2f} ms with what the machine did"
    )
    held = line.growth <= bounded.growth_ms
    return Claim(text, held, found, f"growth.{bounded.figure}", line.growth)
