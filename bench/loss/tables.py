"""The figures as the section of docs/benchmarks.md."""

import textwrap
from collections.abc import Callable, Iterator, Mapping

from bench.loss.channel import Pattern
from bench.loss.conditions import LOSSES, Condition, Receiver

TITLES = {
    Receiver.RED: "Antiphon, RED",
    Receiver.FEC: "Antiphon, FEC alone",
    Receiver.AIORTC: "aiortc",
}

Figures = Mapping[str, float | str]


def section(figures: Figures) -> str:
    intro = textwrap.fill(
        f"Made by `make bench-loss`: {figures['sentences']:.0f} questions of the embedded agent's "
        f"domain ({figures['words']:.0f} words) by several voices of espeak-ng, Opus voip at 32 "
        "kbit/s with in-band FEC for the loss at hand, in virtual time over a path that only "
        f"loses packets: each on its own, or in bursts of {figures['mean_burst_packets']:.0f} on "
        "average. Every receiver gets the same packets. In brackets, 95 % bootstrap intervals over "
        "sentences. [What is measured, and how](../bench/loss/README.md).",
        width=100,
        break_on_hyphens=False,
    )
    return "\n".join(
        [
            "## What is understood when packets get lost",
            "",
            intro,
            "",
            "![Word error rate and PESQ over loss](loss.svg)",
            "",
            "Word error rate of the embedded recogniser, percent.",
            "",
            *_table(figures, lambda name: _interval(figures, f"wer.{name}", 100, 1)),
            "",
            "PESQ-WB against the same receiver's sound when nothing is lost.",
            "",
            *_table(figures, lambda name: _interval(figures, f"pesq.{name}", 1, 2)),
            "",
            "Lost frames whose own payload was decoded all the same, percent; and those that",
            "arrived and were thrown away.",
            "",
            *_table(figures, lambda name: _fates(figures, name)),
            "",
            "Milliseconds from when a frame was sent to when the application had it, on a path",
            "that takes none: mean, p95, and what stays after the last loss.",
            "",
            *_table(figures, lambda name: _delays(figures, name)),
        ]
    )


def _table(figures: Figures, cell: Callable[[str], str]) -> Iterator[str]:
    yield f"| loss | {' | '.join(TITLES.values())} |"
    yield "|---|" + "---|" * len(TITLES)
    for pattern in Pattern:
        for loss in LOSSES:
            conditions = [Condition(pattern, loss, receiver) for receiver in TITLES]
            if f"wer.{conditions[0]}" not in figures:
                continue
            path = f"{pattern.value}, {loss:.0%}" if loss else "none"
            yield f"| {path} | {' | '.join(cell(str(each)) for each in conditions)} |"


def _interval(figures: Figures, name: str, factor: float, digits: int) -> str:
    value, low, high = (
        f"{factor * float(figures[key]):.{digits}f}"
        for key in (name, f"{name}.low", f"{name}.high")
    )
    return f"{value} ({low}..{high})"


def _fates(figures: Figures, name: str) -> str:
    recovered = figures.get(f"recovered.{name}")
    decoded = "" if recovered is None else f"{100 * float(recovered):.1f} decoded, "
    return f"{decoded}{100 * float(figures[f'discarded.{name}']):.1f} thrown away"


def _delays(figures: Figures, name: str) -> str:
    mean, p95, lasting = (
        f"{float(figures[f'delay_ms.{part}.{name}']):.0f}" for part in ("mean", "p95", "lasting")
    )
    return f"{mean}, {p95}, {lasting}"
