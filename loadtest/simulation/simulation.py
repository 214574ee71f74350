"""A simulation's course: calls by the compiled core, and between them what changes seldom."""

import math
from collections.abc import Callable

import msgspec
import numpy as np

from loadtest.capacity.cost_model import CostModel
from loadtest.simulation.agenda import Agenda
from loadtest.simulation.autoscaler import Autoscaler
from loadtest.simulation.core.calls import fill, serve_waiting
from loadtest.simulation.core.engine import DAY, FACTOR, advance, busy, plan_arrival
from loadtest.simulation.core.outage import lose_pods
from loadtest.simulation.core.state import TIERS, State, with_more_slots
from loadtest.simulation.core_setting import (
    choice,
    core_state,
    most_pods,
    pods_at_peak,
    sessions_at_peak,
)
from loadtest.simulation.pool import Pods, Pool
from loadtest.simulation.sampling import RegionSampling
from loadtest.simulation.scenario import (
    Autoscaling,
    Failure,
    FailureKind,
    SimulationScenario,
)
from loadtest.simulation.simulation_result import SimulationResult
from loadtest.simulation.sizing import Sizing
from loadtest.tiers import TIERS as TIER_NAMES

Told = Callable[[float, int], None]
"""Is told of each sample: the simulated second, and the calls that are up."""


class Simulation:
    """One scenario; `run` it once. The same scenario and sizing give the same result."""

    def __init__(self, scenario: SimulationScenario, sizing: Sizing) -> None:
        self._scenario = scenario
        self._sizing = sizing
        self._choice = choice(scenario, sizing)
        self._state: State = core_state(scenario, sizing)
        self._agenda = Agenda()
        self._chance = np.random.default_rng(scenario.seed)
        self._autoscalers: dict[tuple[int, str], Autoscaler] = {}
        self._pools = [self._pools_of(region) for region in range(len(scenario.regions))]
        self._samplings = [
            RegionSampling(region.name, number, self._pools[number], scenario.levels)
            for number, region in enumerate(scenario.regions)
        ]

    def run(self, told: Told = lambda _second, _sessions: None) -> None:
        """Simulate all of it."""
        self._begin()
        self._plan_samples(told)
        for failure in self._scenario.failures:
            self._agenda.plan(failure.at_seconds, self._failing(failure))
        while (at := self._agenda.next_at) <= self._scenario.seconds:
            self._advance(at)
            self._agenda.run_due(at)

    def result(self, model: CostModel) -> SimulationResult:
        """After `run`."""
        seconds = self._scenario.seconds
        for pools in self._pools:
            for pool in pools.values():
                pool.pay(seconds)
        return SimulationResult(
            name=self._scenario.name,
            scenario=msgspec.to_builtins(self._scenario),
            model_sources=[source.name for source in model.sources],
            machine=model.machine,
            sessions_a_pod=self._sizing.sessions_a_pod,
            seconds=seconds,
            events=int(self._state.events[0]),
            regions=[sampling.result(seconds) for sampling in self._samplings],
        )

    @property
    def _now(self) -> float:
        return float(self._state.clock[0])

    def _pools_of(self, region: int) -> dict[str, Pool]:
        width = self._state.open.shape[1]
        return {
            name: Pool(
                self._state,
                (region * TIERS + tier) * width,
                most_pods(self._scenario, self._sizing, name, region),
                self._sizing.sessions_a_pod[name],
                self._scenario.tier(name).cores,
            )
            for tier, name in enumerate(TIER_NAMES)
        }

    def _begin(self) -> None:
        """With the calls, and the pods, of the hour at which it begins."""
        for region, at_peak in enumerate(sessions_at_peak(self._scenario)):
            sessions = round(at_peak * busy(self._state, region, 0.0))
            for name, pool in self._pools[region].items():
                scaling = self._scenario.tier(name).autoscaling
                pods = pods_at_peak(self._scenario, self._sizing, name, region)
                if scaling is not None:
                    wanted = sessions / (self._sizing.sessions_a_pod[name] * scaling.target)
                    pods = max(scaling.minimum, math.ceil(wanted))
                    self._plan_scaling(region, name, scaling)
                pool.start(0.0, pods, ready_at=0.0)
                pool.make_ready(0.0)
                self._plan_pod_failure(region, name)
            fill(self._state, self._choice, region, sessions)
            plan_arrival(self._state, region)

    def _advance(self, until: float) -> None:
        while not advance(self._state, self._choice, until):
            self._state = with_more_slots(self._state)

    def _plan_samples(self, told: Told) -> None:
        seconds = self._scenario.sample_seconds

        def sample() -> None:
            for sampling in self._samplings:
                sampling.sample(self._state, self._now, seconds)
            told(self._now, int(self._state.up[:, 0].sum()))
            self._agenda.plan(self._now + seconds, sample)

        self._agenda.plan(seconds, sample)

    def _plan_scaling(self, region: int, name: str, scaling: Autoscaling) -> None:
        pool = self._pools[region][name]
        most = most_pods(self._scenario, self._sizing, name, region)
        autoscaler = Autoscaler(scaling, most, self._sizing.sessions_a_pod[name])
        self._autoscalers[region, name] = autoscaler

        def scale() -> None:
            self._agenda.plan(self._now + scaling.interval_seconds, scale)
            if pool.lost:
                return
            pool.let_empty_ones_go(self._now)
            pods = pool.ready + pool.starting
            wanted = autoscaler.want(self._now, pods, pool.sessions)
            if wanted > pods:
                self._start(region, name, wanted - pods)
            elif wanted < pods:
                self._drain(region, name, pods - wanted)

        self._agenda.plan(scaling.interval_seconds, scale)

    def _start(self, region: int, name: str, number: int, after: float = 0.0) -> None:
        """So many pods, which take calls once they have started."""
        pool = self._pools[region][name]
        ready_at = self._now + after + self._scenario.tier(name).start_seconds
        if not len(pool.start(self._now, number, ready_at)):
            return

        def serve() -> None:
            if pool.make_ready(self._now):
                serve_waiting(self._state, self._choice, region)

        self._agenda.plan(ready_at, serve)

    def _drain(self, region: int, name: str, number: int) -> None:
        pool = self._pools[region][name]
        draining = pool.drain(self._now, number)

        def end() -> None:
            pool.let_empty_ones_go(self._now)
            left = pool.still_draining(draining, since=began)
            self._lose(pool, left, self._scenario.clients.detect_seconds)

        began = self._now
        self._agenda.plan(self._now + self._scenario.tier(name).drain_seconds, end)

    def _lose(self, pool: Pool, pods: Pods, detect: float) -> None:
        """Pods die, with what calls they have."""
        if not len(pods):
            return
        pool.die(self._now, pods)
        self._lose_calls(pods, detect)

    def _lose_calls(self, pods: Pods, detect: float) -> None:
        doomed = np.zeros(len(self._state.pods), np.bool_)
        doomed[pods] = True
        lose_pods(self._state, self._choice, doomed, detect)

    def _failing(self, failure: Failure) -> Callable[[], None]:
        names = [region.name for region in self._scenario.regions]
        region = names.index(failure.region)
        match failure.kind:
            case FailureKind.PODS:
                return lambda: self._fail_pods(failure, region)
            case FailureKind.REGION:
                return lambda: self._fail_region(failure, region)
            case FailureKind.CROWD:
                return lambda: self._crowd(failure, region)

    def _fail_pods(self, failure: Failure, region: int) -> None:
        pool = self._pools[region][failure.tier]
        serving = pool.serving()
        dead = self._chance.permutation(serving)[: math.ceil(failure.share * len(serving))]
        self._lose(pool, dead, self._scenario.clients.detect_seconds)
        self._start(region, failure.tier, len(dead), failure.seconds)

    def _fail_region(self, failure: Failure, region: int) -> None:
        """All its pods at once; as many start again when it is back."""
        pools = self._pools[region]
        dead = {name: pool.everything() for name, pool in pools.items()}
        for name, pool in pools.items():
            pool.die(self._now, dead[name])
            pool.lost = True
        everything = np.concatenate(list(dead.values()))
        self._lose_calls(everything, self._scenario.clients.fail_over_seconds)

        def come_back() -> None:
            for name, pool in pools.items():
                pool.lost = False
                self._start(region, name, len(dead[name]))
                if autoscaler := self._autoscalers.get((region, name)):
                    autoscaler.begin_anew(self._now, len(dead[name]))

        self._agenda.plan(self._now + failure.seconds, come_back)

    def _crowd(self, failure: Failure, region: int) -> None:
        self._hurry(region, failure.factor)
        over = self._now + failure.seconds
        self._agenda.plan(over, lambda: self._hurry(region, 1.0 / failure.factor))

    def _hurry(self, region: int, factor: float) -> None:
        self._state.arrival[region, FACTOR] *= factor
        plan_arrival(self._state, region)

    def _plan_pod_failure(self, region: int, name: str) -> None:
        """At random: as if every pod that may be could fail; it does if it is there."""
        pool, a_day = self._pools[region][name], self._scenario.tier(name).failures_a_day
        if not a_day:
            return
        most = most_pods(self._scenario, self._sizing, name, region)

        def fail() -> None:
            pod = pool.pod(int(self._chance.integers(most)))
            if pod in pool.serving():
                self._lose(pool, np.array([pod]), self._scenario.clients.detect_seconds)
                self._start(region, name, 1)
            plan()

        def plan() -> None:
            wait = self._chance.exponential(DAY / (a_day * most))
            self._agenda.plan(self._now + wait, fail)

        plan()
