"""What is simulated: calls, regions, tiers, clients, failures, and what must hold.

Files are TOML; `loadtest/simulation/scenarios` has some.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

import msgspec

from loadtest.scenario.scenario import Kind, Talk

Share = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]
Headroom = Annotated[float, msgspec.Meta(ge=0.0, lt=1.0)]
Seconds = Annotated[float, msgspec.Meta(ge=0.0, le=31_536_000.0)]
Positive = Annotated[float, msgspec.Meta(gt=0.0)]
Hour = Annotated[float, msgspec.Meta(ge=0.0, lt=24.0)]


class CallLength(StrEnum):
    """How calls' lengths are spread around their mean."""

    EXPONENTIAL = "exponential"
    FIXED = "fixed"
    LOGNORMAL = "lognormal"
    """As people's calls are: most are short, some are long."""


class CallLoad(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many calls there are, when they come, and what they are like."""

    sessions: Annotated[int, msgspec.Meta(ge=1, le=20_000_000)]
    """At once, of all regions, at the busiest time of each."""
    seconds: Positive = 180.0
    """The mean length of a call."""
    length: CallLength = CallLength.EXPONENTIAL
    sigma: Positive = 1.0
    """Of `lognormal`: the standard deviation of the logarithm."""
    daily_swing: Share = 0.0
    """By how much the day's quietest hour is below its busiest; 0: all hours are alike."""
    kind: Kind = Kind.WEBRTC
    talk: Talk = Talk()
    """By which the model knows what a call costs."""


class Region(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where callers are, and pods."""

    name: str
    share: Positive = 1.0
    """Of all callers, by weight."""
    peak_hour: Hour = 12.0
    """Of the simulated day, which begins at 0: the busiest one."""
    access_ms: Annotated[float, msgspec.Meta(ge=0.0)] = 20.0
    """The round trip of callers to their own region."""


class RoundTrip(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Between two regions, either way."""

    between: tuple[str, str]
    ms: Annotated[float, msgspec.Meta(ge=0.0)]


class Autoscaling(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """As Kubernetes' HorizontalPodAutoscaler does, by sessions a pod."""

    target: Annotated[float, msgspec.Meta(gt=0.0, le=1.0)] = 0.7
    """The share of its room that a pod is to use."""
    minimum: Annotated[int, msgspec.Meta(ge=1)] = 2
    """Pods of each region."""
    maximum: Annotated[int, msgspec.Meta(ge=1)] | None = None
    """Unless given, three times what the busiest time takes."""
    interval_seconds: Positive = 15.0
    metric_delay_seconds: Seconds = 30.0
    """How old what it looks at is."""
    growth: Annotated[float, msgspec.Meta(gt=1.0)] = 2.0
    """To at most so many times the pods within one interval."""
    settle_seconds: Seconds = 300.0
    """It takes pods away once fewer were enough for so long."""
    tolerance: Share = 0.1
    """It does nothing while the metric is so close to the target."""


class Tier(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The pods of a tier, alike in all regions."""

    cores: Positive = 1.0
    """A pod's."""
    headroom: Headroom = 0.2
    """The share of a pod's CPU beyond which it takes no calls."""
    sessions_a_pod: Annotated[int, msgspec.Meta(ge=1)] | None = None
    """By the model, unless given: where something else than CPU is the limit, as slots of a GPU."""
    spare: Annotated[float, msgspec.Meta(ge=0.0)] = 0.1
    """Pods beyond what the busiest time takes, as a share; without autoscaling."""
    pods: Annotated[int, msgspec.Meta(ge=1)] | None = None
    """Of each region, instead of what the busiest time takes."""
    autoscaling: Autoscaling | None = None
    start_seconds: Seconds = 30.0
    """From when a pod is wanted until it takes calls: scheduling, images, its own start."""
    drain_seconds: Seconds = 600.0
    """For how long a pod that is taken away may serve the calls that it has."""
    failures_a_day: Annotated[float, msgspec.Meta(ge=0.0)] = 0.0
    """Of each pod, at random."""


class Placement(StrEnum):
    """How a pod is chosen for a call, of those that have room."""

    RANDOM = "random"
    IN_TURN = "in_turn"
    TWO_CHOICES = "two_choices"
    """The emptier one of two at random."""


class Clients(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What callers do, and what is done with them."""

    placement: Placement = Placement.TWO_CHOICES
    overflow: bool = True
    """Whether calls that find no room in their region are served by the next one."""
    patience_seconds: Seconds = 0.0
    """For how long a call waits for room; 0: it is refused at once."""
    waiting: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] = 100_000
    """Of each region: calls that may wait."""
    detect_seconds: Seconds = 5.0
    """Until a client sees that its transceiver is gone."""
    fail_over_seconds: Seconds = 30.0
    """Until clients of a region that is gone are sent to the next one."""
    spread_seconds: Seconds = 2.0
    """Over which clients come back, doubled with each try."""
    reconnects: Annotated[int, msgspec.Meta(ge=0, le=100)] = 5
    """After the first try."""
    relay_heals_seconds: Seconds = 1.0
    """Silence of a call whose relay died."""
    hand_off_seconds: Seconds = 0.1
    """Silence of a call whose inference replica died."""
    set_up_round_trips: Annotated[float, msgspec.Meta(ge=0.0)] = 4.0


class FailureKind(StrEnum):
    PODS = "pods"
    """Some pods of a tier die at once."""
    REGION = "region"
    """All of a region."""
    CROWD = "crowd"
    """More callers than usual."""


class Failure(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that goes wrong on schedule."""

    at_seconds: Seconds
    kind: FailureKind
    region: str
    tier: str = ""
    """Of `pods`."""
    share: Share = 0.1
    """Of `pods`: of the tier's in that region."""
    seconds: Seconds = 60.0
    """How long the region is gone, the crowd lasts, or until dead pods begin to start again."""
    factor: Positive = 3.0
    """Of `crowd`: calls come so many times as fast."""


class Levels(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What must hold in each sample of a region; a sample that breaks one is over its level."""

    refused: Share = 0.001
    """Of the calls that came: those that found no room, or waited in vain."""
    set_up_seconds: Positive = 1.0
    late: Share = 0.01
    """Of the calls that were set up: those that took longer."""
    cut: Share = 0.001
    """Calls that failed for good, of those that were up."""
    interrupted: Share = 0.001
    """Calls that are broken and not back yet, of those that are up."""


class SimulationScenario(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole file."""

    name: str
    description: str = ""
    seed: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)] = 1
    seconds: Positive = 3600.0
    sample_seconds: Positive = 10.0
    begin_hour: Hour = 0.0
    """Of the day."""
    calls: CallLoad
    regions: Annotated[tuple[Region, ...], msgspec.Meta(min_length=1, max_length=64)]
    round_trips: tuple[RoundTrip, ...] = ()
    tiers: Mapping[str, Tier] = {}
    """By name: `relay`, `transceiver`, `inference`; those left out are as the defaults say."""
    clients: Clients = Clients()
    failures: tuple[Failure, ...] = ()
    levels: Levels = Levels()

    def tier(self, name: str) -> Tier:
        return self.tiers.get(name, Tier())
