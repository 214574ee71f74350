"""One run as the page shows it: everything as text and plots, in the order of the page."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from loadtest.measures.names import Latency
from loadtest.report import conditions, quantity
from loadtest.report.conditions import Row
from loadtest.report.fault_labels import table_labels
from loadtest.report.headline import (
    VERDICT_WORDS,
    KeyFigure,
    Verdict,
    bound_text,
    headline,
    key_figures,
    verdict,
)
from loadtest.report.latency_plots import distribution_plot
from loadtest.report.plot import Plot
from loadtest.report.stage_plot import SET_UP, TURN, stage_plot
from loadtest.report.time_plots import (
    answers_plot,
    cpu_plot,
    frames_plot,
    lateness_plot,
    memory_plot,
    sessions_plot,
)
from loadtest.result import FailureRecord, FaultRecord, LevelRecord, RunResult, Spread
from loadtest.verdict.wording import words

CDFS = {
    "Set-up": (
        Latency.SET_UP,
        Latency.SET_UP_SIGNALING,
        Latency.SET_UP_ICE,
        Latency.SET_UP_DTLS,
        Latency.SET_UP_DATA_CHANNEL,
    ),
    "Media": (
        Latency.FRAME_LATENESS,
        Latency.ONE_WAY_DELAY,
        Latency.ROUND_TRIP,
        Latency.HEALING,
    ),
    "Conversation": (Latency.VOICE_TO_VOICE, Latency.BARGE_IN),
    "The load itself": (Latency.ARRIVAL_LATENESS, Latency.SEND_LATENESS),
}
"""Which latencies are drawn together."""


@dataclass(frozen=True, slots=True)
class Level:
    description: str
    name: str
    bound: str
    measured: str
    held: bool


@dataclass(frozen=True, slots=True)
class LatencyRow:
    words: str
    count: str
    values: Sequence[str]
    """Mean, p50, p90, p95, p99, p99.9, maximum."""


@dataclass(frozen=True, slots=True)
class FaultRow:
    at: str
    what: str
    detail: str
    lasted: str
    healed: str


@dataclass(frozen=True, slots=True)
class RunPage:
    """A section of the page."""

    anchor: str
    title: str
    verdict: Verdict
    verdict_words: str
    headline: str
    figures: Sequence[KeyFigure]
    levels: Sequence[Level]
    conditions: Sequence[Row]
    harness: Sequence[Row]
    notes: Sequence[str]
    over_time: Sequence[Plot]
    distributions: Sequence[Plot]
    stages: Sequence[Plot]
    latencies: Sequence[LatencyRow]
    faults: Sequence[FaultRow]
    failures: Sequence[FailureRecord]
    counts: Sequence[tuple[str, str]]
    command: str
    seed: int
    scenario: str


def run_page(result: RunResult, anchor: str) -> RunPage:
    """`anchor` is an id that the page has not yet."""
    return RunPage(
        anchor=anchor,
        title=title(result),
        verdict=verdict(result),
        verdict_words=VERDICT_WORDS[verdict(result)],
        headline=headline(result),
        figures=key_figures(result),
        levels=[_level(level) for level in result.levels],
        conditions=conditions.conditions(result),
        harness=conditions.harness_rows(result),
        notes=result.notes,
        over_time=_over_time(result, anchor),
        distributions=_distributions(result, anchor),
        stages=_stages(result, anchor),
        latencies=[_latency(name, spread) for name, spread in result.latencies.items()],
        faults=list(map(_fault, result.faults, table_labels(result.faults))),
        failures=sorted(result.failures, key=lambda record: -record.count),
        counts=[(words(name), quantity.number(count)) for name, count in result.totals.items()],
        command=conditions.repeat_command(result),
        seed=conditions.scenario_of(result).seed,
        scenario=conditions.scenario_text(result),
    )


def title(result: RunResult) -> str:
    return f"{result.name}, {result.label}" if result.label else result.name


def _level(level: LevelRecord) -> Level:
    measured = quantity.measured(level.measured, level.unit)
    return Level(level.description, level.name, bound_text(level), measured, level.held)


def _latency(name: str, spread: Spread) -> LatencyRow:
    values = (
        spread.mean,
        spread.p50,
        spread.p90,
        spread.p95,
        spread.p99,
        spread.p999,
        spread.maximum,
    )
    return LatencyRow(words(name), quantity.number(spread.count), [*map(quantity.duration, values)])


def _fault(fault: FaultRecord, what: str) -> FaultRow:
    healed = "not within the run" if fault.done else "was not done"
    if fault.healed_seconds is not None:
        healed = quantity.duration(fault.healed_seconds)
    lasted = quantity.duration(fault.lasted_seconds)
    return FaultRow(quantity.duration(fault.second), what, fault.detail, lasted, healed)


def _over_time(result: RunResult, anchor: str) -> list[Plot]:
    if not result.series:
        return []
    draw: dict[str, Callable[[RunResult, str], Plot | None]] = {
        "sessions": sessions_plot,
        "lateness": lateness_plot,
        "answers": answers_plot,
        "frames": frames_plot,
        "cpu": cpu_plot,
        "memory": memory_plot,
    }
    return _drawn(plot(result, f"{anchor}-{name}") for name, plot in draw.items())


def _distributions(result: RunResult, anchor: str) -> list[Plot]:
    found = {
        title: [(words(name), result.latencies[name]) for name in names if name in result.latencies]
        for title, names in CDFS.items()
    }
    return _drawn(
        distribution_plot(title, spreads, f"{anchor}-cdf-{number}")
        for number, (title, spreads) in enumerate(found.items())
    )


def _stages(result: RunResult, anchor: str) -> list[Plot]:
    return _drawn(
        [
            stage_plot(result, SET_UP, f"{anchor}-set-up"),
            stage_plot(result, TURN, f"{anchor}-turn"),
        ]
    )


def _drawn(plots: Iterable[Plot | None]) -> list[Plot]:
    return [plot for plot in plots if plot is not None]
