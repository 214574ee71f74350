"""Figures of many sentences, and the section of docs/benchmarks.md."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from bench.figures import percentile
from bench.narrowband.conditions import (
    CALLED,
    CONDITIONS,
    GUESSED,
    PATHS,
    Condition,
)
from bench.narrowband.guesses import Guess
from bench.narrowband.line import Line
from bench.narrowband.outcome import Findings, Outcome, Voiced

RESAMPLES = 2000
CONFIDENCE_PERCENT = 95

Figures = Mapping[str, float | str]

TITLES = {
    Line.WIDE: "24 kHz",
    Line.PCMU: "PCMU",
    Line.PCMA: "PCMA",
    Line.TRUNK: "PCMU behind the telephone network, 300 to 3400 Hz",
    Line.KEYED: "PCMU, a key's tones 100 ms before the words",
}
GUESSES = {
    Guess.BOTH_SIDES: "pitch of both sides",
    Guess.PAST: "pitch of the past",
    Guess.REPEATED: "packet repeated",
    Guess.SILENCE: "silence",
}


def figures(found: Sequence[Findings]) -> dict[str, float | str]:
    """Flat, by measure and condition."""
    summary: dict[str, float | str] = {"sentences": len(found)}
    summary["words"] = sum(outcomes[CONDITIONS[0]].words for outcomes, _ in found)
    for condition in CONDITIONS:
        outcomes = [each[condition] for each, _ in found]
        if condition not in GUESSED:
            low, high = _interval(outcomes)
            summary[f"wer.{condition}"] = round(_wer(outcomes), 4)
            summary[f"wer.{condition}.low"] = round(low, 4)
            summary[f"wer.{condition}.high"] = round(high, 4)
        scores = [each.pesq for each in outcomes if each.pesq is not None]
        if scores:
            summary[f"pesq.{condition}"] = round(sum(scores) / len(scores), 3)
    return summary | _voice_figures([voiced for _, voiced in found])


def _wer(outcomes: Sequence[Outcome]) -> float:
    return sum(each.errors or 0 for each in outcomes) / sum(each.words for each in outcomes)


def _interval(outcomes: Sequence[Outcome]) -> tuple[float, float]:
    """Where the error rate lies of other sentences: the bootstrap's percentiles."""
    draws = np.random.default_rng(0).integers(0, len(outcomes), (RESAMPLES, len(outcomes)))
    measured = [_wer([outcomes[place] for place in draw]) for draw in draws]
    rest = (100 - CONFIDENCE_PERCENT) / 2
    return percentile(measured, rest), percentile(measured, 100 - rest)


def _voice_figures(found: Sequence[Mapping[Line, Voiced]]) -> dict[str, float]:
    """How much later than at 24 kHz the voice model hears sentences begin and end."""
    summary: dict[str, float] = {}
    for line in Line:
        spans = [(each[line].span, each[Line.WIDE].span) for each in found]
        summary[f"voice.{line.value}.unheard"] = sum(here is None for here, _ in spans)
        for index, name in enumerate(("begins", "ends")):
            late = [here[index] - wide[index] for here, wide in spans if here and wide]
            if late:
                summary[f"voice.{line.value}.{name}_later.p50_ms"] = percentile(late, 50)
                summary[f"voice.{line.value}.{name}_later.p95_ms"] = percentile(late, 95)
    return summary


def section(measured: Figures) -> str:
    intro = textwrap.fill(
        f"Made by `make bench-sip`: {measured['sentences']:.0f} spoken questions of the embedded "
        f"agent's domain ({measured['words']:.0f} words), by two voices of espeak-ng and four of "
        "flite, over the real receive path in virtual time. In brackets, 95 % bootstrap intervals "
        "over sentences. [What is measured, and how](../bench/narrowband/README.md).",
        width=100,
        break_on_hyphens=False,
    )
    return "\n".join(
        [
            "## What is understood over a telephone",
            "",
            intro,
            "",
            "Word error rate of the embedded recogniser, percent: as it is, and without the band",
            "that it makes up; and how much later than at 24 kHz the voice model hears a question",
            "begin and end, median and p95 in milliseconds.",
            "",
            *_line_table(measured),
            "",
            "Word error rate when packets get lost, percent.",
            "",
            *_loss_table(measured),
            "",
            "PESQ (ITU-T P.862, narrowband) of PCMU against the same line when nothing is lost, by",
            "what is put in the place of lost packets.",
            "",
            *_guess_table(measured),
        ]
    )


def _line_table(measured: Figures) -> Iterator[str]:
    yield "| line | word error rate | without the upper band | begins later | ends later |"
    yield "|---|---|---|---|---|"
    for line, title in TITLES.items():
        plain = Condition(line, upper_band=False)
        without = _rate(measured, plain) if line in CALLED else ""
        cells = [title, _rate(measured, Condition(line)), without]
        cells += [_lateness(measured, line, name) for name in ("begins", "ends")]
        yield f"| {' | '.join(cells)} |"


def _lateness(measured: Figures, line: Line, name: str) -> str:
    if line is Line.WIDE:
        return ""
    keys = (f"voice.{line.value}.{name}_later.{each}_ms" for each in ("p50", "p95"))
    return ", ".join(f"{float(measured[key]):.0f}" for key in keys)


def _loss_table(measured: Figures) -> Iterator[str]:
    yield f"| loss | {' | '.join(line.value for line in CALLED)} |"
    yield "|---|" + "---|" * len(CALLED)
    for pattern, loss in PATHS:
        cells = [_rate(measured, Condition(line, loss, pattern)) for line in CALLED]
        yield f"| {pattern.value}, {loss:.0%} | {' | '.join(cells)} |"


def _guess_table(measured: Figures) -> Iterator[str]:
    yield f"| loss | {' | '.join(GUESSES.values())} |"
    yield "|---|" + "---|" * len(GUESSES)
    for pattern, loss in PATHS:
        conditions = [Condition(Line.PCMU, loss, pattern, guess) for guess in GUESSES]
        cells = [f"{float(measured[f'pesq.{each}']):.2f}" for each in conditions]
        yield f"| {pattern.value}, {loss:.0%} | {' | '.join(cells)} |"


def _rate(measured: Figures, condition: Condition) -> str:
    value, low, high = (
        f"{100 * float(measured[f'wer.{condition}{part}']):.1f}" for part in ("", ".low", ".high")
    )
    return f"{value} ({low}..{high})"
