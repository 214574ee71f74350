"""Where theory knows the answer, the simulation gives it."""

import math
from collections.abc import Sequence

import msgspec
import pytest

from loadtest.simulation.scenario import CallLength, Clients, Placement
from tests.loadtest.simulation.small_world import scenario, simulated
from tests.loadtest.simulation.theory import erlang_b, erlang_c, mean_wait

SERVERS, OFFERED, CALL_SECONDS = 50, 45, 10.0


def standard_error(batches: Sequence[float]) -> float:
    """Of the mean of batches that are long enough to know nothing of each other."""
    mean = sum(batches) / len(batches)
    variance = sum((batch - mean) ** 2 for batch in batches) / (len(batches) - 1)
    return math.sqrt(variance / len(batches))


@pytest.mark.parametrize("length", CallLength)
@pytest.mark.parametrize("placement", [Placement.TWO_CHOICES, Placement.IN_TURN])
def test_blocking_is_that_of_erlang(length: CallLength, placement: Placement) -> None:
    """However calls' lengths are spread, and whichever pod with room is taken."""
    world = scenario(clients=Clients(placement=placement))
    world = msgspec.structs.replace(
        world, calls=msgspec.structs.replace(world.calls, length=length)
    )
    [region] = simulated(world).regions
    arrived, refused = region.series["arrived"], region.series["refused"]
    batches = [lost / came for lost, came in zip(refused, arrived, strict=True)]
    blocked = region.refused / region.arrived
    assert region.refused_for["transceiver"] == region.refused
    assert abs(blocked - erlang_b(SERVERS, OFFERED)) < 3 * standard_error(batches)
    assert standard_error(batches) < 0.1 * blocked


def test_waiting_is_that_of_a_queue_with_as_many_servers() -> None:
    patient = Clients(patience_seconds=1e7, waiting=10_000)
    [region] = simulated(scenario(clients=patient, seconds=600_000.0)).regions
    arrived, waited = region.series["arrived"], region.series["waited"]
    batches = [late / came for late, came in zip(waited, arrived, strict=True)]
    share = region.waited / region.arrived
    assert abs(share - erlang_c(SERVERS, OFFERED)) < 3 * standard_error(batches)
    wait = region.waiting_seconds / region.arrived
    assert wait == pytest.approx(mean_wait(SERVERS, OFFERED, CALL_SECONDS), rel=0.05)
    assert region.refused == 0


def test_littles_law_holds_for_calls_and_for_those_that_wait() -> None:
    patient = Clients(patience_seconds=1e7, waiting=10_000)
    fixed = scenario(clients=patient, sample_seconds=1.0, seconds=10_000.0)
    fixed = msgspec.structs.replace(
        fixed, calls=msgspec.structs.replace(fixed.calls, length=CallLength.FIXED)
    )
    [region] = simulated(fixed).regions
    rate = region.arrived / 10_000.0
    waiting = sum(region.series["waiting"]) / 10_000.0
    assert region.mean_sessions == pytest.approx(rate * CALL_SECONDS, rel=0.005)
    assert waiting == pytest.approx(region.waiting_seconds / 10_000.0, rel=0.1)


def test_erlangs_formulas_give_what_tables_have() -> None:
    """One server by hand: an M/M/1 queue's, and half of the calls of one erlang."""
    assert erlang_b(1, 1.0) == pytest.approx(0.5)
    assert erlang_b(10, 5.0) == pytest.approx(0.0184, abs=5e-5)
    assert erlang_c(1, 0.5) == pytest.approx(0.5)
    assert mean_wait(1, 0.5, 2.0) == pytest.approx(2.0)
    with pytest.raises(ValueError, match="for ever"):
        erlang_c(2, 2.0)
