from dataclasses import replace

import pytest

from bench.transceiver.generator import Pace
from bench.transceiver.load_run import LoadRun
from bench.transceiver.rounds import calls_for

RUN = LoadRun(
    calls=50,
    seconds=10.0,
    cpu_seconds=5.0,
    other_cpu_seconds={"relay": 0.5, "generator": 1.5},
    received=25_000,
    lost=0,
    pace=Pace([0.0] * 1000),
    lateness_seconds=[0.0] * 25_000,
    metrics_before={"a": 2.0},
    metrics_after={"a": 5.0, "b": 1.0},
)


def test_a_core_carries_as_many_calls_as_it_is_less_than_full() -> None:
    assert RUN.busy == 0.5
    assert RUN.calls_per_core == 100
    assert RUN.fault == ""


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"cpu_seconds": 7.1}, "71% of its core used, more than 70%"),
        ({"pace": Pace([0.0] * 980 + [0.006] * 20)}, "2.0% of the frames sent more than 5 ms late"),
        ({"lost": 100}, "100 of 25100 packets lost on their way back"),
        ({"received": 24_000}, "24000 of 25000 frames came back"),
    ],
)
def test_a_run_that_says_nothing_says_why(change: dict[str, object], fault: str) -> None:
    assert replace(RUN, **change).fault == fault


def test_a_frame_less_for_each_call_is_not_missing() -> None:
    assert replace(RUN, received=24_950).fault == ""


def test_the_next_run_loads_the_core_as_wanted() -> None:
    assert calls_for(RUN, other_cores=1) == 65
    assert calls_for(replace(RUN, calls=10, cpu_seconds=9.0), other_cores=1) == 7


def test_what_works_for_the_measured_process_has_room() -> None:
    helped = replace(RUN, other_cpu_seconds={"inference": 7.5})
    assert calls_for(helped, other_cores=1) == 50
    assert calls_for(helped, other_cores=2) == 65
