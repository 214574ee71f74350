from bisect import bisect_right
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.scenario.call_plan import LEAST_SECONDS, CallPlan, plan_calls
from loadtest.scenario.scenario import Arrivals, CallerProfile, Kind, Length, Load, Scenario

LOADS = st.builds(
    Load,
    sessions=st.integers(1, 60),
    ramp_seconds=st.floats(0.0, 20.0),
    hold_seconds=st.floats(1.0, 60.0),
    call_seconds=st.none() | st.floats(0.5, 30.0),
    length=st.sampled_from(Length),
    arrivals=st.sampled_from(Arrivals),
)
SCENARIOS = st.builds(Scenario, name=st.just("any"), seed=st.integers(0, 2**32), load=LOADS)


def plans(load: Load, seed: int = 1) -> list[CallPlan]:
    return list(plan_calls(Scenario(name="a load", seed=seed, load=load)))


def at_once(calls: list[CallPlan], second: float) -> int:
    return sum(call.start_s <= second < call.start_s + call.length_s for call in calls)


@given(SCENARIOS, st.integers(1, 7))
def test_any_number_of_workers_share_the_same_calls(scenario: Scenario, workers: int) -> None:
    shares = [list(plan_calls(scenario, worker=n, workers=workers)) for n in range(workers)]
    together = sorted((call for share in shares for call in share), key=lambda call: call.number)
    assert together == list(plan_calls(scenario))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


@given(SCENARIOS)
def test_calls_come_in_order_and_end_with_the_run(scenario: Scenario) -> None:
    calls = list(plan_calls(scenario))
    assert [call.number for call in calls] == list(range(len(calls)))
    assert [call.start_s for call in calls] == sorted(call.start_s for call in calls)
    assert all(call.length_s > 0 for call in calls)
    assert max(call.start_s + call.length_s for call in calls) <= scenario.load.seconds + 1e-9


@given(SCENARIOS)
def test_there_are_never_more_calls_at_once_than_sessions(scenario: Scenario) -> None:
    calls = list(plan_calls(scenario))
    # To the picosecond: the next call begins as the one before it ends.
    ends = sorted(call.start_s + call.length_s - 1e-9 for call in calls)
    for call in calls:
        up = call.number + 1 - bisect_right(ends, call.start_s)
        assert up <= scenario.load.sessions


@given(LOADS)
def test_all_sessions_are_up_from_the_ramp_until_shortly_before_the_end(load: Load) -> None:
    calls = plans(load)
    for part in (0.001, 0.3, 0.6, 0.99):
        second = load.ramp_seconds + part * (load.hold_seconds - LEAST_SECONDS)
        assert at_once(calls, second) == load.sessions


@pytest.mark.parametrize("arrivals", Arrivals)
@pytest.mark.parametrize("length", Length)
def test_calls_come_as_fast_as_their_lengths_say(arrivals: Arrivals, length: Length) -> None:
    load = Load(
        sessions=300,
        ramp_seconds=30,
        hold_seconds=300,
        call_seconds=10,
        length=length,
        arrivals=arrivals,
    )
    held = [call.start_s for call in plans(load) if 50 <= call.start_s < 300]
    assert len(held) / 250 == pytest.approx(30, rel=0.05)


def test_even_arrivals_are_even_from_the_ramp_on() -> None:
    load = Load(sessions=100, ramp_seconds=2, hold_seconds=60, call_seconds=10)
    starts = [call.start_s for call in plans(load)]
    assert starts[:100] == pytest.approx([n / 50 for n in range(100)])
    by_second = Counter(int(start) for start in starts if 15 <= start < 60)
    assert set(by_second.values()) <= {9, 10, 11}


def test_poisson_arrivals_are_not_even() -> None:
    load = Load(sessions=2000, ramp_seconds=100, hold_seconds=10, arrivals=Arrivals.POISSON)
    by_second = Counter(int(call.start_s) for call in plans(load))
    numbers = [by_second[second] for second in range(100)]
    variance = sum((number - 20) ** 2 for number in numbers) / 100
    # Of a Poisson process the variance is the mean.
    assert 10 < variance < 40


def test_exponential_lengths_have_their_mean() -> None:
    load = Load(sessions=200, hold_seconds=1000, call_seconds=20, length=Length.EXPONENTIAL)
    lengths = [call.length_s for call in plans(load) if call.start_s < 800]
    assert sum(lengths) / len(lengths) == pytest.approx(20, rel=0.05)
    assert min(lengths) >= LEAST_SECONDS
    assert sum(length > 20 for length in lengths) / len(lengths) == pytest.approx(0.37, abs=0.03)


def test_calls_without_a_length_last_until_the_end() -> None:
    load = Load(sessions=10, ramp_seconds=5, hold_seconds=20)
    calls = plans(load)
    assert len(calls) == 10
    assert [call.start_s + call.length_s for call in calls] == pytest.approx([25.0] * 10)


@given(st.lists(st.floats(0.1, 10.0), min_size=1, max_size=5), st.integers(1, 200))
def test_profiles_come_by_their_shares(shares: list[float], sessions: int) -> None:
    scenario = Scenario(
        name="shares",
        load=Load(sessions=sessions),
        callers=tuple(CallerProfile(kind=Kind.WEBRTC, share=share) for share in shares),
    )
    found = Counter(call.profile for call in plan_calls(scenario))
    for index, share in enumerate(shares):
        assert abs(found[index] - sessions * share / sum(shares)) <= 1


def test_the_mix_stays_the_same_while_calls_come_and_go() -> None:
    scenario = Scenario(
        name="mix",
        load=Load(sessions=40, hold_seconds=60, call_seconds=5, length=Length.EXPONENTIAL),
        callers=(CallerProfile(share=3), CallerProfile(kind=Kind.SIP, share=1)),
    )
    calls = list(plan_calls(scenario))
    for second in (10, 25, 50):
        assert at_once([call for call in calls if call.profile == 1], second) == 10


def test_workers_share_every_profile() -> None:
    scenario = Scenario(
        name="two", load=Load(sessions=400), callers=(CallerProfile(), CallerProfile(red=True))
    )
    found = Counter(call.profile for call in plan_calls(scenario, worker=0, workers=2))
    assert 70 < found[0] < 130


def test_calls_have_seeds_of_their_own() -> None:
    load = Load(sessions=50, hold_seconds=30, call_seconds=3)
    ones, others = plans(load, seed=1), plans(load, seed=2)
    seeds = {call.seed for call in ones}
    assert len(seeds) == len(ones)
    assert seeds.isdisjoint(call.seed for call in others)
