from bench.figures import median
from bench.relay.contenders import Contender
from bench.relay.control_path import FLOWS, FlowTable
from bench.relay.measurement import Cost, Latency
from bench.relay.relay_figures import relay_figures
from bench.relay.rounds import Results, Speedup


def contender(key: str, missing: str = "") -> Contender:
    return Contender(key, key, lambda _ends, _cores: None, missing)


def cost(cpu_seconds: float) -> Cost:
    return Cost(1_000_000, 2.0, cpu_seconds, 1_000_000, 0, 0, 1_000_000)


def test_a_median_comes_with_its_spread() -> None:
    assert median("x", [3.0, 1.23456, 2.0]) == {"x": 2.0, "x.min": 1.235, "x.max": 3.0}
    assert median("x", []) == {}


def test_costs_and_their_ratio() -> None:
    results = Results()
    results.costs["saturated.up", "antiphon"] += [cost(1.0), cost(1.2), cost(1.1)]
    results.costs["saturated.up", "go"] += [cost(4.0), cost(4.4), cost(4.8)]
    figures = relay_figures(
        results, [contender("antiphon"), contender("go"), contender("coturn", "there is none")]
    )
    assert figures["saturated.up.antiphon"] == 1.1
    assert (figures["saturated.up.go.min"], figures["saturated.up.go.max"]) == (4.0, 4.8)
    assert figures["saturated.up.ratio"] == 0.25
    assert figures["saturated.up.antiphon.packets_per_second"] == 500_000
    assert figures["saturated.up.coturn"] == "not measured: there is none"
    assert "saturated.down.antiphon" not in figures
    assert "saturated.down.ratio" not in figures


def test_latency_speedup_and_memory() -> None:
    results = Results()
    results.latencies["moderated"] += [Latency(6e-4, 1e-3, True), Latency(4e-4, 3e-3, True)]
    results.speedups.append(Speedup(1.9, by_throughput=False))
    results.flow_tables.append(FlowTable(30_000, (50_000_000, 51_000_000, 51_510_000), 9_000_000))
    figures = relay_figures(results, [])
    assert figures["latency20k.moderated.p50_seconds"] == 5e-4
    assert figures["latency20k.moderated.p99_seconds.max"] == 3e-3
    assert figures["latency20k.scheduling"] == "SCHED_FIFO"
    assert figures["workers2.speedup"] == 1.9
    assert "generator" in str(figures["workers2.basis"])
    assert figures["memory.table_bytes_per_flow"] == 9_000_000 / FLOWS
    assert figures["memory.growth"] == 0.01
    assert figures["install.flows_per_second"] == 30_000


def test_one_run_without_real_time_scheduling_is_said() -> None:
    results = Results()
    results.latencies["direct"] += [Latency(1e-5, 1e-5, True), Latency(1e-5, 1e-5, False)]
    assert relay_figures(results, [])["latency20k.scheduling"] == "SCHED_OTHER"
