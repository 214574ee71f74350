"""What becomes of calls when pods and regions die, and what is told of it."""

import msgspec
import pytest

from loadtest.simulation.scenario import Autoscaling, Failure, FailureKind, Placement, Tier
from loadtest.simulation.simulation_result import RegionResult, SimulationResult
from tests.loadtest.simulation.small_world import scenario, simulated

TWO_REGIONS = """
name = "two regions"
seconds = 600
sample_seconds = 1
[calls]
sessions = 2000
seconds = 60
[clients]
detect_seconds = 3
fail_over_seconds = 10
[[regions]]
name = "west"
[[regions]]
name = "east"
[[round_trips]]
between = ["west", "east"]
ms = 100
[tiers.relay]
sessions_a_pod = 500
pods = 10
[tiers.transceiver]
sessions_a_pod = 100
pods = 30
[tiers.inference]
sessions_a_pod = 100
pods = 30
"""


def after(*failures: Failure, **changes: object) -> SimulationResult:
    return simulated(scenario(TWO_REGIONS, failures=failures, **changes))


def at_second(region: RegionResult, name: str, second: int) -> float:
    return region.series[name][second - 1]


def test_the_same_seed_gives_the_same_simulation_and_another_one_does_not() -> None:
    failure = Failure(at_seconds=100, kind=FailureKind.PODS, region="west", tier="inference")
    one, same, other = (after(failure, seed=seed) for seed in (7, 7, 8))
    assert msgspec.json.encode(one) == msgspec.json.encode(same)
    assert one.regions[0].series != other.regions[0].series


def test_calls_of_dead_transceivers_come_back_in_a_storm() -> None:
    failure = Failure(
        at_seconds=100, kind=FailureKind.PODS, region="west", tier="transceiver", share=0.4
    )
    west, east = after(failure).regions
    assert at_second(west, "interrupted", 100) == pytest.approx(400, rel=0.15)
    assert at_second(west, "broken", 102) == pytest.approx(400, rel=0.15)
    assert at_second(west, "broken", 107) == 0
    assert sum(west.series["reconnected"]) + west.cut == west.interrupted
    assert 0 < west.cut < 0.15 * west.interrupted, "those that were over before they came back"
    assert 3 < west.interrupted_seconds / west.interrupted < 5
    assert east.interrupted == 0
    assert west.over_level["interrupted"] == pytest.approx(5, abs=2)


@pytest.mark.parametrize(("tier", "gap"), [("relay", 1.0), ("inference", 0.1)])
def test_calls_of_dead_relays_and_replicas_go_on_after_a_gap(tier: str, gap: float) -> None:
    failure = Failure(at_seconds=100, kind=FailureKind.PODS, region="west", tier=tier, share=0.3)
    west, _east = after(failure).regions
    assert west.interrupted == pytest.approx(300, rel=0.2)
    assert west.interrupted_seconds == pytest.approx(gap * west.interrupted)
    assert max(west.series["broken"]) == 0


def test_calls_whose_replicas_all_die_end() -> None:
    failure = Failure(
        at_seconds=100, kind=FailureKind.PODS, region="west", tier="inference", share=1.0
    )
    west, _east = after(failure).regions
    assert west.cut == west.interrupted == pytest.approx(1000, rel=0.1)


def test_callers_of_a_region_that_is_gone_are_served_elsewhere_until_it_is_back() -> None:
    failure = Failure(at_seconds=100, kind=FailureKind.REGION, region="west", seconds=200)
    west, east = after(failure).regions
    assert at_second(west, "interrupted", 100) == pytest.approx(1000, rel=0.1)
    assert at_second(west, "sessions", 200) == pytest.approx(1000, rel=0.15)
    assert sum(west.series["away"][:100]) == 0
    assert sum(west.series["away"][101:300]) > 1000
    assert sum(west.series["away"][340:]) == 0
    assert at_second(west, "transceiver.ready", 200) == 0
    assert at_second(west, "transceiver.ready", 340) == 30
    assert west.refused == east.refused == 0


def test_a_region_that_comes_back_has_its_pods_before_its_calls() -> None:
    """Its autoscaler would else take them for too many, and calls find no room again."""
    failure = Failure(at_seconds=100, kind=FailureKind.REGION, region="west", seconds=100)
    scaled = Tier(sessions_a_pod=100, autoscaling=Autoscaling(settle_seconds=200, maximum=60))
    tiers = {**scenario(TWO_REGIONS).tiers, "transceiver": scaled}
    west, _east = after(failure, tiers=tiers).regions
    before = at_second(west, "transceiver.ready", 99)
    assert at_second(west, "transceiver.ready", 240) == before
    assert sum(west.series["away"][260:]) == 0


def test_without_overflow_nobody_is_served_while_the_region_is_gone() -> None:
    failure = Failure(at_seconds=100, kind=FailureKind.REGION, region="west", seconds=200)
    alone = msgspec.structs.replace(scenario(TWO_REGIONS).clients, overflow=False)
    west, _east = after(failure, clients=alone).regions
    assert at_second(west, "sessions", 200) == 0
    assert west.refused > 1000
    assert west.away == 0


def test_a_far_region_takes_longer_to_reach() -> None:
    lost = Failure(at_seconds=50, kind=FailureKind.REGION, region="west", seconds=600)
    west, east = after(lost).regions
    assert at_second(west, "set_up_p99", 300) > 0.4
    assert at_second(east, "set_up_p99", 300) < 0.2


def test_a_crowd_is_refused_until_pods_have_started() -> None:
    crowd = Failure(at_seconds=100, kind=FailureKind.CROWD, region="west", factor=3, seconds=300)
    scaled = Tier(
        sessions_a_pod=100,
        start_seconds=40,
        drain_seconds=20,
        autoscaling=Autoscaling(minimum=2, maximum=60, metric_delay_seconds=20, settle_seconds=60),
    )
    roomy = Tier(sessions_a_pod=10_000, pods=2)
    tiers = {"relay": roomy, "transceiver": scaled, "inference": roomy}
    alone = msgspec.structs.replace(scenario(TWO_REGIONS).clients, overflow=False)
    west, _east = after(crowd, tiers=tiers, clients=alone, seconds=900.0).regions
    refused = west.series["refused"]
    assert sum(refused[:100]) == 0
    assert sum(refused[100:250]) > 100
    assert sum(refused[330:400]) == 0
    assert at_second(west, "transceiver.pods", 399) >= 3000 / 100
    assert at_second(west, "transceiver.pods", 899) < 20
    assert west.core_hours["transceiver"] < west.peak_pods["transceiver"] * 900 / 3600


def test_pods_die_at_random_as_often_as_was_said() -> None:
    """Each of them 288 times a day, which is twice in 600 s: 60 deaths of 33 calls each."""
    fragile = Tier(sessions_a_pod=100, pods=30, failures_a_day=288.0, start_seconds=0)
    tiers = {**scenario(TWO_REGIONS).tiers, "transceiver": fragile}
    west, _east = after(tiers=tiers).regions
    assert west.interrupted == pytest.approx(60 * 1000 / 30, rel=0.3)
    still_broken = west.series["broken"][-1]
    assert sum(west.series["reconnected"]) + west.cut + still_broken == west.interrupted


@pytest.mark.parametrize("placement", Placement)
def test_every_placement_fills_a_region_before_it_refuses(placement: Placement) -> None:
    tight = {**scenario(TWO_REGIONS).tiers, "transceiver": Tier(sessions_a_pod=100, pods=8)}
    clients = msgspec.structs.replace(
        scenario(TWO_REGIONS).clients, placement=placement, overflow=False
    )
    west, _east = after(tiers=tight, clients=clients).regions
    assert max(west.series["transceiver.busy"]) == 1.0
    assert west.refused_for == {
        "relay": 0,
        "transceiver": west.refused,
        "inference": 0,
        "patience": 0,
    }
