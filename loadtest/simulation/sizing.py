"""What a pod of each tier carries, by a model of what calls cost."""

from dataclasses import dataclass

from loadtest.capacity.cost_model import CostModel, CostModelError
from loadtest.capacity.demand import SET_UP, of_kind
from loadtest.capacity.prediction import Calls, PodSize, TierPrediction, predict
from loadtest.simulation.scenario import SimulationScenario, Tier
from loadtest.tiers import TIERS


@dataclass(frozen=True, slots=True)
class Sizing:
    """Of one simulation."""

    sessions_a_pod: dict[str, int]
    set_up_cpu_seconds: float
    """Of a transceiver."""
    session_cores: float
    """Of a transceiver, its set-up apart."""


def size(scenario: SimulationScenario, model: CostModel) -> Sizing:
    """Raises CostModelError for calls, or tiers, that the model does not know."""
    load = scenario.calls
    calls = Calls(kind=load.kind, talk=load.talk, call_seconds=load.seconds)
    tiers = {tier: scenario.tier(tier) for tier in TIERS}
    sizes = {name: PodSize(tier.cores, tier.headroom) for name, tier in tiers.items()}
    known = {each.tier: each for each in predict(model, load.sessions, calls, sizes).tiers}
    set_up = model.tier("transceiver").cpu_seconds.get(of_kind(load.kind, SET_UP), 0.0)
    return Sizing(
        sessions_a_pod={name: _sessions(name, tiers[name], known) for name in TIERS},
        set_up_cpu_seconds=set_up,
        session_cores=known["transceiver"].cores_a_session - set_up / load.seconds,
    )


def _sessions(name: str, tier: Tier, known: dict[str, TierPrediction]) -> int:
    if tier.sessions_a_pod is not None:
        return tier.sessions_a_pod
    if name not in known:
        raise CostModelError(f"tiers.{name}.sessions_a_pod: the model does not know this tier")
    return max(1, int(min(known[name].sessions_a_pod, 2**30)))
