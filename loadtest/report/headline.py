"""What a reader knows after the first line: whether it held, how much, and what did not."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from loadtest.measures.names import Count
from loadtest.report import quantity
from loadtest.report.fault_labels import MOST_WRITTEN_OUT, fault_words
from loadtest.result import FaultRecord, LevelRecord, RunResult
from loadtest.verdict.service_levels import SERVICE_LEVELS, find


class Verdict(StrEnum):
    HELD = "held"
    FAILED = "failed"
    NONE = "none"
    """There was no service level to hold."""


VERDICT_WORDS = {
    Verdict.HELD: "Held",
    Verdict.FAILED: "Not held",
    Verdict.NONE: "No service levels",
}


@dataclass(frozen=True, slots=True)
class KeyFigure:
    """One of the few that a reader asks for first."""

    label: str
    value: str


_KEY_LEVELS = {
    "frames_on_schedule": "frames on schedule",
    "frames_lost": "frames lost",
    "set_up_p99_ms": "set-up, p99",
    "frame_lateness_p99_ms": "frame lateness, p99",
    "voice_to_voice_p95_ms": "voice to voice, p95",
    "misrouted": "packets misrouted",
}


def verdict(result: RunResult) -> Verdict:
    if not result.levels:
        return Verdict.NONE
    return Verdict.HELD if result.passed else Verdict.FAILED


def headline(result: RunResult) -> str:
    """Two or three short sentences."""
    sentences = [f"{_load(result)}: {_outcome(result)}.", *_faults(result.faults)]
    return " ".join(sentences)


def key_figures(result: RunResult) -> list[KeyFigure]:
    failed = quantity.number(result.totals.get(Count.CALLS_FAILED, 0))
    started = quantity.number(result.totals.get(Count.CALLS_STARTED, 0))
    figures = [
        KeyFigure("sessions at once", quantity.number(result.peak_sessions)),
        KeyFigure("calls failed", f"{failed} of {started}"),
    ]
    for name, label in _KEY_LEVELS.items():
        level = find(name)
        value = level.measure(result)
        if value is not None:
            figures.append(KeyFigure(label, quantity.measured(value, level.unit)))
    return figures


def bound_text(level: LevelRecord) -> str:
    """`at most 200 ms`."""
    known = SERVICE_LEVELS.get(level.name)
    side = "at least" if known is not None and known.at_least else "at most"
    return f"{side} {quantity.measured(level.bound, level.unit)}"


def _load(result: RunResult) -> str:
    sessions = quantity.number(result.peak_sessions)
    calls = quantity.number(result.totals.get(Count.CALLS_STARTED, 0))
    lasted = quantity.duration(result.seconds)
    return f"{sessions} sessions at once, {calls} calls in {lasted}"


def _outcome(result: RunResult) -> str:
    failed = [level for level in result.levels if not level.held]
    total = len(result.levels)
    match verdict(result):
        case Verdict.NONE:
            return "there was no service level to hold"
        case Verdict.HELD:
            return f"all {total} service levels held" if total > 1 else "its service level held"
        case _:
            return f"{len(failed)} of {total} service levels did not hold: {_listed(failed)}"


def _listed(levels: list[LevelRecord]) -> str:
    return "; ".join(_missed(levels))


def _missed(levels: list[LevelRecord]) -> Iterator[str]:
    for level in levels:
        measured = "not measured"
        if level.measured is not None:
            measured = quantity.measured(level.measured, level.unit)
        words = level.description.partition(" (")[0]
        yield f"{words[:1].lower()}{words[1:]} {measured} ({bound_text(level)})"


def _faults(faults: Sequence[FaultRecord]) -> Iterator[str]:
    if len(faults) <= MOST_WRITTEN_OUT:
        yield from map(_fault, faults)
        return
    healed = [fault.healed_seconds for fault in faults if fault.healed_seconds is not None]
    longest = f", the slowest after {quantity.duration(max(healed))}" if healed else ""
    yield f"{len(healed)} of {len(faults)} faults healed{longest}."


def _fault(fault: FaultRecord) -> str:
    what, when = fault_words(fault), quantity.duration(fault.second)
    if not fault.done:
        return f"“{what}” at {when} could not be done."
    if fault.healed_seconds is None:
        return f"After “{what}” at {when} it did not heal within the run."
    return f"It healed {quantity.duration(fault.healed_seconds)} after “{what}” at {when}."
