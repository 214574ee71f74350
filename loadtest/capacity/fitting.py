"""Finds what calls cost from runs that measured their tiers' CPU."""

import itertools
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from loadtest.capacity.cost_model import CostModel, Source, TierCost
from loadtest.capacity.demand import (
    IDLE,
    PACKET,
    SET_UP,
    SILENT,
    SPEAKING,
    TURN,
    UnusableRunError,
    Window,
    of_kind,
    windows,
)
from loadtest.capacity.least_squares import non_negative
from loadtest.result import RunResult

Matrix = NDArray[np.float64]

ENTANGLED = 0.995
"""Correlation from which two units are not told apart."""
SMALLEST = 0.01
"""Share of the dearest window's that another is taken to have cost at least."""
TIED = 0.02
"""How much a difference of speech and silence counts beside what the windows say."""
_PAID_IN: dict[str, tuple[str, ...]] = {
    "relay": (IDLE, PACKET, SET_UP),
    "transceiver": (IDLE, SET_UP, SPEAKING, SILENT, TURN),
    "inference": (IDLE, SET_UP, SPEAKING, SILENT, TURN),
}
"""What a tier works on. A unit that it never sees would only pick up what others cost."""
_OTHER_TIERS = (IDLE, SET_UP, SPEAKING, SILENT)


def fit(results: Sequence[RunResult], *, made_by: str) -> CostModel:
    """The model of several runs on one machine.

    Raises UnusableRunError where there is none, one lacks the tiers' CPU, or their machines differ.
    """
    _check(results)
    cut = [window for result in results for window in windows(result)]
    tiers = sorted({tier for window in cut for tier in window.cpu_seconds})
    return CostModel(
        machine=results[0].machine,
        made_by=made_by,
        sources=tuple(map(_source, results)),
        tiers={tier: _tier(tier, cut, results) for tier in tiers},
        packets_a_second=_packets(cut),
    )


def _check(results: Sequence[RunResult]) -> None:
    if not results:
        raise UnusableRunError("a model needs at least one run")
    first = results[0]
    for other in results[1:]:
        for name in ("processor", "cores"):
            if other.machine.get(name) != first.machine.get(name):
                raise UnusableRunError(f"{other.name}: its machine differs in {name}")


def _source(result: RunResult) -> Source:
    return Source(
        name=result.name,
        label=result.label,
        started_at=result.started_at,
        seconds=round(result.seconds, 1),
        peak_sessions=result.peak_sessions,
    )


def _tier(tier: str, cut: Sequence[Window], results: Sequence[RunResult]) -> TierCost:
    watched = [window for window in cut if tier in window.cpu_seconds]
    units = [unit for unit in _units(watched) if _is_paid_in(tier, unit)]
    matrix = _matrix(watched, units)
    cpu = np.array([window.cpu_seconds[tier] for window in watched])
    costs = _solved(matrix, units, cpu)
    idle, a_session = _memory(tier, results)
    return TierCost(
        cpu_seconds=dict(zip(units, map(float, costs), strict=True)),
        memory_bytes=idle,
        memory_bytes_a_session=a_session,
        explained=_explained(cpu, matrix @ costs),
        entangled=tuple(_entangled(matrix, units)),
    )


def _units(cut: Sequence[Window]) -> list[str]:
    """Those that there was anything of."""
    return sorted({unit for window in cut for unit, number in window.demand.items() if number})


def _is_paid_in(tier: str, unit: str) -> bool:
    return unit.rpartition(".")[2] in _PAID_IN.get(tier, _OTHER_TIERS)


def _matrix(cut: Sequence[Window], units: Sequence[str]) -> Matrix:
    return np.array([[window.demand.get(unit, 0.0) for unit in units] for window in cut])


def _solved(matrix: Matrix, units: Sequence[str], measured: Matrix) -> Matrix:
    """The costs of the units, by windows that say the more the less there was to pay.

    What is paid at random spreads by the root of it. Speech and silence that the windows do not
    tell apart cost the same.
    """
    spread = np.sqrt(np.maximum(measured, SMALLEST * measured.max(initial=1e-9)))
    rows = matrix / spread[:, np.newaxis]
    ties = np.array(list(_ties(rows, units))).reshape(-1, len(units))
    told = np.concatenate([measured / spread, np.zeros(len(ties))])
    return non_negative(np.concatenate([rows, ties]), told)


def _ties(matrix: Matrix, units: Sequence[str]) -> Iterator[Matrix]:
    lengths = np.linalg.norm(matrix, axis=0)
    for at, unit in enumerate(units):
        kind, _, what = unit.rpartition(".")
        silent = of_kind(kind, SILENT)
        if what == SPEAKING and silent in units:
            tie = np.zeros(len(units))
            tie[at], tie[units.index(silent)] = 1.0, -1.0
            yield TIED * min(lengths[tie != 0.0]) * tie


def _explained(measured: Matrix, fitted: Matrix) -> float | None:
    spread = float(((measured - measured.mean()) ** 2).sum())
    return 1.0 - float(((measured - fitted) ** 2).sum()) / spread if spread else None


def _entangled(matrix: Matrix, units: Sequence[str]) -> Iterator[tuple[str, str]]:
    lengths = np.linalg.norm(matrix, axis=0)
    cosines = (matrix.T @ matrix) / np.outer(lengths, lengths)
    for row, column in itertools.combinations(range(len(units)), 2):
        if cosines[row, column] > ENTANGLED:
            yield units[row], units[column]


def _memory(tier: str, results: Sequence[RunResult]) -> tuple[float, float]:
    """Bytes without a session, and of each: memory does not go back, so by the peak until then."""
    rows, held = [], []
    for result in results:
        peak = 0
        for second in result.series:
            peak = max(peak, second.sessions)
            if tier in second.tiers_memory:
                rows.append([1.0, float(peak)])
                held.append(float(second.tiers_memory[tier]))
    if not rows:
        return 0.0, 0.0
    idle, a_session = non_negative(np.array(rows), np.array(held))
    return float(idle), float(a_session)


def _packets(cut: Sequence[Window]) -> dict[str, float]:
    """Packets a second of a session that speaks, and of one that does not."""
    units = [unit for unit in _units(cut) if unit.endswith((SPEAKING, SILENT))]
    if not units:
        return {}
    sent = np.array([window.demand.get(PACKET, 0.0) for window in cut])
    packets = _solved(_matrix(cut, units), units, sent)
    return dict(zip(units, map(float, packets), strict=True))
