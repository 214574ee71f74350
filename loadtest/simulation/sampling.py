"""What is seen of a region, sample by sample."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from loadtest.simulation.core.accounts import BROKEN_NOW, UP_NOW, WAITING_NOW
from loadtest.simulation.core.state import (
    ADMITTED,
    ARRIVED,
    AWAY,
    BINS_A_DECADE,
    CUT,
    GAVE_UP,
    INTERRUPTED,
    INTERRUPTED_SECONDS,
    LATE,
    NO_INFERENCE,
    NO_RELAY,
    NO_TRANSCEIVER,
    RECONNECTED,
    SESSION_SECONDS,
    SET_UP_BINS,
    SHORTEST,
    WAITED,
    WAITING_SECONDS,
    State,
)
from loadtest.simulation.pool import Pool
from loadtest.simulation.scenario import Levels
from loadtest.simulation.simulation_result import RegionResult

Counts = NDArray[np.int64]

_COUNTED = {
    "arrived": (ARRIVED,),
    "refused": (NO_RELAY, NO_TRANSCEIVER, NO_INFERENCE, GAVE_UP),
    "admitted": (ADMITTED,),
    "late": (LATE,),
    "away": (AWAY,),
    "waited": (WAITED,),
    "interrupted": (INTERRUPTED,),
    "reconnected": (RECONNECTED,),
    "cut": (CUT,),
}
_REFUSED_FOR = {
    "relay": NO_RELAY,
    "transceiver": NO_TRANSCEIVER,
    "inference": NO_INFERENCE,
    "patience": GAVE_UP,
}


class RegionSampling:
    """One region's. Takes what the core counted since the last sample, and begins anew."""

    def __init__(self, name: str, number: int, pools: Mapping[str, Pool], levels: Levels) -> None:
        self._name = name
        self._number = number
        self._pools = pools
        self._levels = levels
        self._series: dict[str, list[float]] = {}
        self._refused_for = dict.fromkeys(_REFUSED_FOR, 0)
        self._set_ups = np.zeros(SET_UP_BINS, np.int64)
        self._interrupted_seconds = 0.0
        self._session_seconds = 0.0
        self._waiting_seconds = 0.0
        self._over = dict.fromkeys(("refused", "late", "cut", "interrupted", "any"), 0.0)

    def sample(self, state: State, now: float, passed: float) -> None:
        counts, sums = state.counts[self._number], state.sums[self._number]
        up = state.up[self._number]
        seen = {name: float(counts[list(which)].sum()) for name, which in _COUNTED.items()}
        seen |= {"second": now, "sessions": float(sums[SESSION_SECONDS] / passed)}
        seen |= {"waiting": float(up[WAITING_NOW]), "broken": float(up[BROKEN_NOW])}
        seen["set_up_p99"] = percentile(state.set_ups[self._number], 99.0) or 0.0
        for tier, pool in self._pools.items():
            seen |= {f"{tier}.ready": pool.ready, f"{tier}.busy": pool.busy}
            seen |= {f"{tier}.pods": pool.ready + pool.starting + pool.draining}
        for name, number in seen.items():
            self._series.setdefault(name, []).append(round(float(number), 4))
        self._judge(seen, float(up[UP_NOW]), passed)
        self._add(counts, sums, state.set_ups[self._number])

    def _judge(self, seen: Mapping[str, float], up: float, passed: float) -> None:
        levels, set_up = self._levels, seen["admitted"] + seen["reconnected"]
        over = {
            "refused": seen["refused"] > levels.refused * seen["arrived"],
            "late": seen["late"] > levels.late * set_up,
            "cut": seen["cut"] > levels.cut * up,
            "interrupted": seen["broken"] > levels.interrupted * up,
        }
        for name, broken in [*over.items(), ("any", any(over.values()))]:
            self._over[name] += passed if broken else 0.0

    def _add(self, counts: Counts, sums: NDArray[np.float64], set_ups: Counts) -> None:
        for name, which in _REFUSED_FOR.items():
            self._refused_for[name] += int(counts[which])
        self._interrupted_seconds += float(sums[INTERRUPTED_SECONDS])
        self._session_seconds += float(sums[SESSION_SECONDS])
        self._waiting_seconds += float(sums[WAITING_SECONDS])
        self._set_ups += set_ups
        for array in (counts, sums, set_ups):
            array[:] = 0

    def result(self, seconds: float) -> RegionResult:
        series = self._series
        return RegionResult(
            name=self._name,
            series=series,
            arrived=_total(series["arrived"]),
            refused=_total(series["refused"]),
            refused_for=self._refused_for,
            interrupted=_total(series["interrupted"]),
            cut=_total(series["cut"]),
            away=_total(series["away"]),
            waited=_total(series["waited"]),
            waiting_seconds=self._waiting_seconds,
            peak_sessions=round(max(series["sessions"])),
            mean_sessions=self._session_seconds / seconds,
            over_level_seconds=self._over["any"],
            over_level={name: over for name, over in self._over.items() if name != "any"},
            set_up_p50_seconds=percentile(self._set_ups, 50.0),
            set_up_p99_seconds=percentile(self._set_ups, 99.0),
            interrupted_seconds=self._interrupted_seconds,
            peak_pods={tier: pool.peak_pods for tier, pool in self._pools.items()},
            core_hours={tier: pool.core_seconds / 3600 for tier, pool in self._pools.items()},
        )


def percentile(bins: Counts, percent: float) -> float | None:
    """Seconds, the upper end of the bin; None where nothing was set up."""
    total = int(bins.sum())
    if not total:
        return None
    place = int(np.searchsorted(np.cumsum(bins), total * percent / 100.0))
    return float(SHORTEST * 10.0 ** (place / BINS_A_DECADE))


def _total(numbers: Sequence[float]) -> int:
    return round(sum(numbers))
