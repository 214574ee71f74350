"""What a second relay costs: `python -m bench.relay.remote_hop --rounds 3 --seconds 1`.

The same calls through one relay, and through an edge relay and one of the owners' cluster,
both on one core, and the load generator on another.
"""

import argparse
import os
import statistics
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from bench.figures import publish
from bench.machine import machine
from bench.measured_process import ProcessFailedError
from bench.peers import coturn
from bench.relay.contenders import HOST, antiphon, antiphon_command, cluster_keys
from bench.relay.endpoints import Endpoints
from bench.relay.measurement import (
    PACED,
    SATURATED,
    measure_cost,
    measure_latency,
)
from bench.relay.relay_process import Ready, RelayProcess
from bench.relay.rounds import Cores
from bench.relay.tunnel_calls import TunnelCalls
from bench.tables import as_text

EDGE_CLUSTER, HOME_CLUSTER = 1, 2
LOADS = {"saturated.both": SATURATED["both"], "paced20k.both": PACED["paced20k.both"]}
FLAGS = ("--fast-path=on",)


@dataclass(frozen=True, slots=True)
class Part:
    """One of several relays, by whose CPU time a run is judged; all get the same priority."""

    measured: RelayProcess
    all: Sequence[RelayProcess]

    def cpu_clock(self) -> Callable[[], float]:
        return self.measured.cpu_clock()

    def threads(self) -> list[int]:
        return [thread for process in self.all for thread in process.threads()]


@contextmanager
def two_relays(ends: Endpoints, cores: set[int]) -> Iterator[dict[str, Part]]:
    """The edge relay and the one of the owners' cluster, with every client bound."""
    tunnels = {EDGE_CLUSTER: coturn.free_port(HOST), HOME_CLUSTER: coturn.free_port(HOST)}
    places = ",".join(f"{cluster}={host}:{port}" for cluster, (host, port) in tunnels.items())
    with cluster_keys() as (keys, path):

        def relay(name: str, cluster: int) -> RelayProcess:
            host, port = tunnels[cluster]
            flags = [f"--clusters={places}", f"--cluster-id={cluster}", f"--tunnel={host}:{port}"]
            return RelayProcess(name, antiphon_command(path, [*FLAGS, *flags]), cores)

        with relay("relay-edge", EDGE_CLUSTER) as edge, relay("relay-home", HOME_CLUSTER) as home:
            at_edge, at_home = edge.ready(), home.ready()
            calls = TunnelCalls(ends, keys, cluster=HOME_CLUSTER)
            through = Ready(at_edge.public, at_home.tunnels)
            calls.connect(through, bind=True, edge=at_edge.tunnels[0])
            both = (edge, home)
            yield {"edge": Part(edge, both), "home": Part(home, both)}


@contextmanager
def one_relay(ends: Endpoints, cores: set[int]) -> Iterator[dict[str, Part]]:
    with antiphon(FLAGS, ends, cores) as relay:
        yield {"alone": Part(relay, (relay,))}


def run_round(cores: Cores, seconds: float, found: dict[str, list[float]]) -> None:
    with Endpoints() as ends:
        ends.directly()
        direct = measure_latency(ends, None)
    for start, latency in ((one_relay, "one"), (two_relays, "two")):
        with Endpoints() as ends, start(ends, {cores.relay}) as parts:
            for name, part in parts.items():
                for load, traffic in LOADS.items():
                    cost = measure_cost(ends, part, traffic, seconds)
                    if cost.fault:
                        print(f"not counted: {load}, {name}: {cost.fault}")
                        continue
                    found[f"{load}.{name}"].append(cost.cpu_seconds_per_million)
            added = measure_latency(ends, part).added_to(direct)
            found[f"latency20k.{latency}.p50"].append(1e6 * added.p50)
            found[f"latency20k.{latency}.p99"].append(1e6 * added.p99)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.relay.remote_hop")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1.0)
    options = parser.parse_args()
    cores = Cores.of(sorted(os.sched_getaffinity(0)))
    os.sched_setaffinity(0, {cores.generator})
    found: dict[str, list[float]] = defaultdict(list)
    for number in range(1, options.rounds + 1):
        print(f"round {number} of {options.rounds}", flush=True)
        try:
            run_round(cores, options.seconds, found)
        except ProcessFailedError as error:
            print(f"not counted: {error}")
    figures = {name: statistics.median(values) for name, values in sorted(found.items())}
    publish("relay_remote_hop", {**figures, **machine()})
    rows = [(name, f"{figures[name]:.2f}", str(len(values))) for name, values in found.items()]
    print("CPU seconds a million packets, and microseconds that the relays add one way")
    print(as_text([("figure", "median", "runs"), *rows]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
