"""Runs every relay under every load, round after round, so that none meets a better hour."""

import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from bench.measured_process import ProcessFailedError
from bench.relay.contenders import Contender, antiphon
from bench.relay.control_path import FlowTable, measure_flow_table
from bench.relay.endpoints import Endpoints
from bench.relay.load import Traffic
from bench.relay.measurement import (
    PACED,
    SATURATED,
    TWO_WORKERS,
    Cost,
    Latency,
    measure_cost,
    measure_latency,
)
from bench.relay.relay_process import RelayProcess

LOADS = {
    **{f"saturated.{direction}": traffic for direction, traffic in SATURATED.items()},
    **PACED,
}
LATENCIES = {"antiphon": "moderated", "antiphon_unmoderated": "unmoderated", "go": "go"}
"""The relays whose latency is measured, and what its figures are called."""

FULL = 0.95
"""A relay that uses so much of its core is the limit, not the generator."""


@dataclass(frozen=True, slots=True)
class Speedup:
    """What two workers on two cores carry, as a multiple of what one does."""

    factor: float
    by_throughput: bool
    """False: by CPU time a packet, as the generator was the limit."""


@dataclass(slots=True)
class Results:
    """All valid runs, by load and relay, and why others are not among them."""

    costs: dict[tuple[str, str], list[Cost]] = field(default_factory=lambda: defaultdict(list))
    latencies: dict[str, list[Latency]] = field(default_factory=lambda: defaultdict(list))
    """Added by a relay; `direct` is what the two ends need without one."""
    speedups: list[Speedup] = field(default_factory=list)
    flow_tables: list[FlowTable] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Cores:
    """Which core does what; two at least."""

    generator: int
    relay: int
    second_worker: int

    @classmethod
    def of(cls, allowed: Sequence[int]) -> "Cores":
        """Raises ValueError when there are fewer than two."""
        if len(allowed) < 2:
            raise ValueError("the load generator and the relay need a core each")
        return cls(allowed[0], allowed[1], allowed[2] if len(allowed) > 2 else allowed[0])

    @property
    def spare(self) -> bool:
        """Whether the second worker has a core of its own."""
        return self.second_worker != self.generator


def run_rounds(
    contenders: Sequence[Contender], cores: Cores, rounds: int, seconds: float
) -> Results:
    """Each contender in turn, under all loads, and the same again."""
    os.sched_setaffinity(0, {cores.generator})
    results = Results()
    for number in range(1, rounds + 1):
        print(f"round {number} of {rounds}", flush=True)
        for relay, step in _steps(contenders, cores, seconds, results):
            try:
                step()
            except ProcessFailedError as error:
                _note(results, f"{relay}: {error}")
    return results


def _steps(
    contenders: Sequence[Contender], cores: Cores, seconds: float, results: Results
) -> Iterator[tuple[str, partial[None]]]:
    direct: list[Latency] = []
    yield "no relay", partial(_measure_direct, results, direct)
    for contender in contenders:
        if not contender.missing:
            measure = partial(_measure_contender, contender, cores, seconds, results, direct)
            yield contender.key, measure
    yield "two workers", partial(_measure_two_workers, cores, seconds, results)
    yield "flow table", partial(_measure_flow_table, cores, results)


def _measure_direct(results: Results, direct: list[Latency]) -> None:
    with Endpoints() as ends:
        ends.directly()
        direct.append(measure_latency(ends, None))
    results.latencies["direct"] += direct


def _measure_contender(
    contender: Contender, cores: Cores, seconds: float, results: Results, direct: list[Latency]
) -> None:
    with Endpoints() as ends, contender.start(ends, {cores.relay}) as relay:
        for load, traffic in LOADS.items():
            _measure_load(load, contender.key, (ends, relay), traffic, seconds, results)
        if contender.key in LATENCIES and direct:
            through = measure_latency(ends, relay)
            results.latencies[LATENCIES[contender.key]].append(through.added_to(direct[0]))


def _measure_load(
    load: str,
    key: str,
    through: tuple[Endpoints, RelayProcess],
    traffic: Traffic,
    seconds: float,
    results: Results,
) -> None:
    cost = measure_cost(*through, traffic, seconds)
    if cost.fault:
        _note(results, f"{load}, {key}: {cost.fault}")
        return
    results.costs[load, key].append(cost)
    print(
        f"  {load:22}{key:22}{cost.cpu_seconds_per_million:7.2f} s/M "
        f"{cost.packets_per_second:9.0f} packets/s {cost.busy:5.0%} of a core {cost.lost} lost",
        flush=True,
    )


def _measure_two_workers(cores: Cores, seconds: float, results: Results) -> None:
    single = results.costs["saturated.both", "antiphon"]
    with (
        Endpoints() as ends,
        antiphon(["--fast-path=on"], ends, {cores.relay, cores.second_worker}, workers=2) as relay,
    ):
        double = measure_cost(ends, relay, TWO_WORKERS, seconds)
    if double.fault:
        _note(results, f"two workers: {double.fault}")
    elif single:
        results.speedups.append(speedup(single[-1], double, spare_core=cores.spare))


def speedup(one: Cost, two: Cost, *, spare_core: bool) -> Speedup:
    """Two workers beside one, each with a core of its own where there is a third."""
    if spare_core and one.busy > FULL:
        return Speedup(two.packets_per_second / one.packets_per_second, by_throughput=True)
    factor = 2 * one.cpu_seconds_per_million / two.cpu_seconds_per_million
    return Speedup(factor, by_throughput=False)


def _measure_flow_table(cores: Cores, results: Results) -> None:
    table = measure_flow_table({cores.relay})
    results.flow_tables.append(table)
    print(f"  flow table: {table.installs_per_second:.0f} installs/s", flush=True)


def _note(results: Results, fault: str) -> None:
    results.faults.append(fault)
    print(f"  NOT COUNTED {fault}", flush=True)
