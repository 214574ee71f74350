from dataclasses import replace

import pytest

from bench.relay.measurement import Cost, Latency
from bench.relay.rounds import Cores, speedup

COST = Cost(
    packets=500_000, seconds=2, cpu_seconds=1.0, sent=500_100, lost=0, wrong=0, offered=500_000
)


def test_cost_is_cpu_time_per_million_packets() -> None:
    assert COST.cpu_seconds_per_million == 2.0
    assert COST.packets_per_second == 250_000
    assert COST.busy == 0.5


def test_a_run_within_the_tolerances_is_valid() -> None:
    assert not replace(COST, lost=500).fault
    assert not replace(COST, pace=255_000).fault
    assert not replace(COST, pace=250_000, packets=480_000).fault


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"wrong": 1}, "1 packets wrong"),
        ({"lost": 501}, "501 of 500100 packets lost"),
        ({"lost": -501}, "-501 of 500100 packets lost"),
        ({"pace": 260_000}, "500000 of 520000 paced packets sent"),
        (
            {"pace": 250_000, "packets": 470_000},
            "470000 of 500000 paced packets carried in time",
        ),
        ({"packets": 0}, "no packet carried"),
    ],
)
def test_a_run_that_says_nothing_is_not_counted(change, fault) -> None:
    assert replace(COST, **change).fault == fault


def test_added_latency_is_what_the_direct_way_does_not_need() -> None:
    added = Latency(30e-6, 90e-6, True).added_to(Latency(10e-6, 20e-6, False))
    assert added == Latency(pytest.approx(20e-6), pytest.approx(70e-6), False)


def test_two_workers_are_compared_by_cpu_time_where_the_generator_is_the_limit() -> None:
    two = replace(COST, cpu_seconds=1.25)
    for spare_core, one in ((False, replace(COST, seconds=1)), (True, COST)):
        found = speedup(one, two, spare_core=spare_core)
        assert (found.factor, found.by_throughput) == (1.6, False)


def test_two_workers_are_compared_by_throughput_where_one_is_the_limit() -> None:
    one = replace(COST, seconds=1)
    found = speedup(one, replace(COST, packets=900_000, seconds=1), spare_core=True)
    assert (found.factor, found.by_throughput) == (1.8, True)


def test_generator_and_relay_do_not_share_a_core() -> None:
    assert Cores.of([2, 5]) == Cores(2, 5, 2)
    assert Cores.of([0, 1, 2, 3]) == Cores(0, 1, 2)
    with pytest.raises(ValueError, match="a core each"):
        Cores.of([0])
