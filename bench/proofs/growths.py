"""What grew over a run, by straight lines through its seconds, and whether it may have."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from bench.proofs.drift import Drift, drift
from bench.proofs.held_seconds import held_seconds
from bench.proofs.part import Claim
from loadtest.measures.names import Latency
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
    return memory + [_of_latency(each, _latency_line(seconds, each)) for each in BOUNDED]


def memory_line(seconds: Sequence[Second], tier: str) -> Drift | None:
    return _line(seconds, lambda second: second.tiers_memory.get(tier))


def _latency_line(seconds: Sequence[Second], bounded: Bounded) -> Drift | None:
    def milliseconds(second: Second) -> float | None:
        found = second.latencies.get(bounded.latency)
        return None if found is None else 1000 * found[bounded.column]

    return _line(seconds, milliseconds)


def _line(seconds: Sequence[Second], value: Callable[[Second], float | None]) -> Drift | None:
    points = list(_points(seconds, value))
    return drift([time for time, _ in points], [each for _, each in points])


def _points(
    seconds: Sequence[Second], value: Callable[[Second], float | None]
) -> Iterator[tuple[float, float]]:
    for second in seconds:
        if (found := value(second)) is not None:
            yield second.second, found


def _of_memory(tier: str, line: Drift | None) -> Claim:
    text = f"growth of the memory of {tier}, at most {MEMORY_GROWTH:.0%}"
    if line is None:
        return Claim(text, False, "nothing measured")
    found = f"{line.ratio:+.2%} of {line.mean / 2**20:.0f} MiB"
    return Claim(
        text, line.ratio <= MEMORY_GROWTH, found, f"growth.memory_ratio.{tier}", line.ratio
    )


def _of_latency(bounded: Bounded, line: Drift | None) -> Claim:
    text = f"growth of the {bounded.name}, at most {bounded.growth_ms:g} ms"
    if line is None:
        return Claim(text, False, "nothing measured")
    found = f"{line.growth:+.2f} ms (standard error {line.error:.2f}) of {line.mean:.1f} ms"
    held = line.growth <= bounded.growth_ms
    return Claim(text, held, found, f"growth.{bounded.figure}", line.growth)
