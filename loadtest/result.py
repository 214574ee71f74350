"""What a run found: the JSON twin of its report, and all that the report is drawn of."""

from typing import Any

import msgspec

from loadtest.measures.histogram import Histogram


class Spread(msgspec.Struct, frozen=True, kw_only=True):
    """A latency over the whole run, in seconds."""

    count: int
    mean: float
    p50: float
    p90: float
    p95: float
    p99: float
    p999: float
    maximum: float
    histogram: str
    """HdrHistogram's V2 compressed form, in base64."""

    @staticmethod
    def of(histogram: Histogram) -> "Spread":
        """All 0 of one without a value."""
        return Spread(
            count=histogram.count,
            mean=histogram.mean or 0.0,
            p50=histogram.percentile(50) or 0.0,
            p90=histogram.percentile(90) or 0.0,
            p95=histogram.percentile(95) or 0.0,
            p99=histogram.percentile(99) or 0.0,
            p999=histogram.percentile(99.9) or 0.0,
            maximum=histogram.maximum or 0.0,
            histogram=histogram.encode().decode(),
        )


class Second(msgspec.Struct, frozen=True, kw_only=True):
    """One second of the run."""

    second: int
    sessions: int
    counts: dict[str, int]
    """By `Count`; those that are 0 are left out."""
    latencies: dict[str, tuple[float, float, float]]
    """By `Latency`: p50, p99 and the maximum, in seconds."""
    workers_cpu: float
    """Cores that the load's own processes used."""
    tiers_cpu: dict[str, float] = {}
    """Cores that each tier used; of deployments that the run could watch."""
    tiers_memory: dict[str, int] = {}
    """Resident bytes of each tier."""


class FaultRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A fault as it came about."""

    second: float
    action: str
    tier: str
    detail: str = ""
    done: bool = True
    """False: it could not be, and the detail says why."""
    lasted_seconds: float = 0.0
    """Until it was done: a tier that was restarted was ready again."""
    healed_seconds: float | None = None
    """From the fault until as many calls were heard again as before; None: not within the run, or
    there was nothing to heal of, for it was not done."""


class FailureRecord(msgspec.Struct, frozen=True, kw_only=True):
    reason: str
    count: int
    examples: list[str]


class LevelRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A service level, and whether it held."""

    name: str
    description: str
    bound: float
    measured: float | None
    """None where nothing was measured, which does not hold."""
    held: bool
    unit: str
    """`ms`, `ratio` or empty."""


class RunResult(msgspec.Struct, frozen=True, kw_only=True):
    """A run."""

    schema: int = 1
    name: str
    label: str = ""
    """Of what was tested, where several are shown side by side."""
    started_at: str
    """ISO 8601, UTC."""
    seconds: float
    scenario: dict[str, Any]
    """As it was read, with all defaults."""
    machine: dict[str, str | float]
    """Of the coordinator."""
    workers: int
    totals: dict[str, int]
    """By `Count`."""
    peak_sessions: int
    latencies: dict[str, Spread]
    """By `Latency`, after the warm-up."""
    series: list[Second]
    faults: list[FaultRecord] = []
    failures: list[FailureRecord] = []
    levels: list[LevelRecord] = []
    notes: list[str] = []
    """What a reader must know: that the harness itself was late, say."""

    @property
    def passed(self) -> bool:
        """Whether every service level held, and there was one."""
        return bool(self.levels) and all(level.held for level in self.levels)
