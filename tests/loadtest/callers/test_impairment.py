import itertools
import random
import statistics

import pytest

from loadtest.callers.impairment import HELD_S, Impairment
from loadtest.scenario.scenario import Network

PACKETS = [number.to_bytes(4, "big") for number in range(20_000)]
FRAME_S = 0.02


def sent_through(network: Network, seed: int = 1) -> tuple[list[bool], list[tuple[float, bytes]]]:
    """Which of the packets were passed on, and what came out when."""
    path: Impairment[bytes] = Impairment(network, random.Random(seed))
    passed, came = [], []
    for number, packet in enumerate(PACKETS):
        now = number * FRAME_S
        came += path.due(now)
        passed.append(path.pass_on(packet, now))
    return passed, came + path.due(1e9)


def test_a_clean_path_passes_everything_at_once() -> None:
    path: Impairment[bytes] = Impairment(Network(), random.Random(1))

    assert path.transparent
    assert path.pass_on(b"a", 5.0)
    assert path.next_at == 5.0
    assert path.due(5.0) == [(5.0, b"a")]
    assert path.next_at is None


@pytest.mark.parametrize("burst", [1.0, 4.0])
def test_loses_the_share_it_is_told(burst: float) -> None:
    passed, came = sent_through(Network(loss=0.1, loss_burst=burst))

    assert passed.count(False) / len(passed) == pytest.approx(0.1, rel=0.15)
    assert len(came) == passed.count(True)
    starts = sum(not here and before for before, here in itertools.pairwise(passed))
    assert passed.count(False) / starts == pytest.approx(max(burst, 1 / 0.9), rel=0.15)


def test_loses_everything_where_it_is_told_so() -> None:
    assert sent_through(Network(loss=1.0))[1] == []


def test_delays_and_keeps_the_order() -> None:
    _passed, came = sent_through(Network(delay_ms=50, jitter_ms=4))

    assert [packet for _at, packet in came] == PACKETS
    delays = [at - number * FRAME_S for number, (at, _packet) in enumerate(came)]
    assert min(delays) >= 0.05 - 1e-9
    assert statistics.mean(delays) == pytest.approx(0.054, abs=0.0005)
    assert statistics.stdev(delays) == pytest.approx(0.004, rel=0.1)


def test_lets_the_next_one_overtake() -> None:
    _passed, came = sent_through(Network(reorder=0.05))

    order = [packet for _at, packet in came]
    overtaken = sum(order[i] > order[i + 1] for i in range(len(order) - 1))
    assert sorted(order) == PACKETS
    assert overtaken / len(order) == pytest.approx(0.05, rel=0.15)


def test_what_nothing_overtakes_comes_all_the_same() -> None:
    path: Impairment[bytes] = Impairment(Network(reorder=1.0), random.Random(1))
    path.pass_on(b"a", 1.0)

    assert path.next_at == 1.0 + HELD_S
    assert path.due(1.0) == []
    assert path.due(1.0 + HELD_S) == [(1.0 + HELD_S, b"a")]


def test_the_same_seed_does_the_same() -> None:
    network = Network(loss=0.1, jitter_ms=5, reorder=0.1)

    assert sent_through(network) == sent_through(network)
    assert sent_through(network) != sent_through(network, seed=2)
