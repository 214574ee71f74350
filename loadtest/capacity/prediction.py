"""How many pods so many sessions take, by a model of what calls cost."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from loadtest.capacity.cost_model import CostModel, CostModelError
from loadtest.capacity.demand import (
    PACKET,
    SET_UP,
    SILENT,
    SPEAKING,
    TURN,
    Demand,
    of_kind,
    speaking_share,
    turns_per_second,
)
from loadtest.scenario.scenario import Kind, Talk
from loadtest.tiers import TIERS


@dataclass(frozen=True, slots=True)
class Calls:
    """What sort of calls they are."""

    kind: Kind = Kind.WEBRTC
    talk: Talk = field(default_factory=Talk)
    call_seconds: float = 180.0
    """Their mean length, by which the rate of set-ups goes."""


@dataclass(frozen=True, slots=True)
class PodSize:
    """What a pod of a tier is given."""

    cores: float = 1.0
    headroom: float = 0.2
    """The share of its CPU that is left free: for bursts, and for calls of a pod that dies."""


@dataclass(frozen=True, slots=True)
class TierPrediction:
    """Of one tier."""

    tier: str
    cores_a_session: float
    cores: float
    """For all sessions, without headroom, without what pods use that have no call."""
    sessions_a_pod: float
    """So many that the headroom stays free."""
    pods: int
    memory_bytes_a_pod: float


@dataclass(frozen=True, slots=True)
class Prediction:
    """Of all tiers."""

    sessions: int
    calls: Calls
    tiers: tuple[TierPrediction, ...]
    sizes: Mapping[str, PodSize] = field(default_factory=dict)

    def pods(self) -> dict[str, int]:
        return {tier.tier: tier.pods for tier in self.tiers}


def predict(
    model: CostModel,
    sessions: int,
    calls: Calls = Calls(),
    sizes: Mapping[str, PodSize] | None = None,
) -> Prediction:
    """Pods by tier. Raises CostModelError where the model does not know such calls, or a pod is
    too small to be there at all."""
    sizes = {tier: (sizes or {}).get(tier, PodSize()) for tier in model.tiers}
    found = tuple(
        _tier(model, tier, sessions, calls, sizes[tier]) for tier in TIERS if tier in model.tiers
    )
    return Prediction(sessions, calls, found, sizes)


def session_second(model: CostModel, calls: Calls) -> Demand:
    """What one session asks for in one second, with its part of a set-up.

    Raises CostModelError for a kind of calls that no run had.
    """
    speaking = speaking_share(calls.talk)
    demand = {
        of_kind(calls.kind, SPEAKING): speaking,
        of_kind(calls.kind, SILENT): 1.0 - speaking,
        of_kind(calls.kind, SET_UP): 1.0 / calls.call_seconds,
        TURN: turns_per_second(calls.talk),
    }
    known = {unit for tier in model.tiers.values() for unit in tier.cpu_seconds}
    if not known & {of_kind(calls.kind, SPEAKING), of_kind(calls.kind, SILENT)}:
        raise CostModelError(f"the model has no costs of {calls.kind} calls")
    packets = sum(model.packets_a_second.get(unit, 0.0) * share for unit, share in demand.items())
    return {**demand, PACKET: packets}


def _tier(
    model: CostModel, tier: str, sessions: int, calls: Calls, size: PodSize
) -> TierPrediction:
    cost = model.tier(tier)
    a_session = cost.cpu(session_second(model, calls))
    room = size.cores * (1.0 - size.headroom) - cost.idle_cores
    if room <= 0.0:
        raise CostModelError(f"{tier}: a pod of {size.cores:g} cores is busy without a call")
    a_pod = max(1.0, room / a_session) if a_session else math.inf
    pods = math.ceil(sessions / a_pod) or 1
    return TierPrediction(
        tier=tier,
        cores_a_session=a_session,
        cores=sessions * a_session,
        sessions_a_pod=a_pod,
        pods=pods,
        memory_bytes_a_pod=cost.memory_bytes + cost.memory_bytes_a_session * sessions / pods,
    )
