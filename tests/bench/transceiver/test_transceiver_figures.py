from dataclasses import replace

from bench.tables import bound_table
from bench.transceiver.engine_delays import LossDelay
from bench.transceiver.noted_run import NotedRun
from bench.transceiver.redundancy_run import Recovery
from bench.transceiver.rounds import FLOORS as MEASURED_FLOORS
from bench.transceiver.rounds import LOADS as MEASURED_LOADS
from bench.transceiver.rounds import Results
from bench.transceiver.set_up import Start
from bench.transceiver.summary import BOUNDS, FLOORS, LOADS, delay_table, load_table, peer_table
from bench.transceiver.transceiver_figures import (
    ARRIVAL_TO_ENGINE,
    FRAME_LATENESS,
    transceiver_figures,
)
from tests.bench.transceiver.test_load_run import RUN


def buckets(name: str) -> dict[str, float]:
    return {f'{name}_bucket{{le="0.001"}}': 100.0, f'{name}_bucket{{le="+Inf"}}': 100.0}


OURS = replace(
    RUN, metrics_before={}, metrics_after=buckets(FRAME_LATENESS) | buckets(ARRIVAL_TO_ENGINE)
)
NOTED = NotedRun([0.001] * 100, [LossDelay(0.04, 0.0), LossDelay(0.05, 0.0001)])
RESULTS = Results(
    loads={
        "voip.antiphon": [OURS],
        "voip.aiortc": [replace(RUN, calls=10)],
        "celt.antiphon": [replace(OURS, calls=80)],
    },
    floors={"voip": [140.0, 150.0], "celt": [300.0, 310.0]},
    noted={"voip.antiphon": NOTED, "voip.aiortc": NOTED},
    starts={"voip.antiphon": [Start(0.03, 4), Start(0.05, 5)]},
    set_up_cpu_seconds={"no_data_channel": 0.0015, "data_channel": 0.004},
    recovery=Recovery(lost=200, recovered=190, recoverable=191),
    bytes_per_call=100_000.0,
)


def test_every_bound_has_its_figure() -> None:
    figures = transceiver_figures(RESULTS)
    assert [bound.key for bound in BOUNDS if bound.key not in figures] == []


def test_figures_are_what_the_runs_say() -> None:
    figures = transceiver_figures(RESULTS)
    assert figures["sessions_per_core.voip.antiphon"] == 100
    assert figures["sessions_per_core.voip.aiortc"] == 20
    assert figures["sessions_per_core.celt.antiphon"] == 160
    assert figures["sessions_per_core.ratio"] == 5
    assert figures["frame_lateness.p99_seconds"] == 0.00099
    assert figures["after_one_lost_packet.antiphon.once_seconds"] == 0.045
    assert figures["red_recovered.loss5"] == 0.95
    assert figures["start_up.antiphon.round_trips"] == 5
    assert figures["start_up.antiphon.post_to_media_seconds"] == 0.04


def test_nothing_measured_gives_no_figures_and_no_verdict_but_missed() -> None:
    figures = transceiver_figures(Results())
    assert figures == {}
    assert {row[-1] for row in bound_table(BOUNDS, figures)[1:]} == {"MISSED"}
    for table in (load_table, delay_table, peer_table):
        assert all(len(row) == len(table(figures)[0]) for row in table(figures))


def test_tables_name_all_that_is_compared() -> None:
    assert list(LOADS) == list(MEASURED_LOADS)
    assert list(FLOORS) == list(MEASURED_FLOORS)
    table = load_table(transceiver_figures(RESULTS))
    assert table[1] == ["Antiphon, Opus VOIP", "100.0 (100.0..100.0)", "50 calls", "50%"]


def test_delays_are_shown_in_milliseconds() -> None:
    rows = {row[0]: row[1:] for row in delay_table(transceiver_figures(RESULTS))}
    assert rows["a client sends, to the engine"] == ["1.00"] * 4
    assert rows["the same, as clients see it"] == ["0.00"] * 4
