"""What is counted of requests that are for other clusters."""

from collections import Counter
from dataclasses import dataclass, field
from enum import Enum


class ClusterOutcome(Enum):
    """What became of a request that went to another cluster."""

    ANSWERED = "answered"
    """By the cluster, well or with an error of the client's."""
    REFUSED = "refused"
    """The cluster takes no calls at the moment."""
    UNREACHABLE = "unreachable"
    """No answer came."""


@dataclass(slots=True)
class RegionCounters:
    """Of one worker."""

    zones: Counter[str] = field(default_factory=Counter)
    """Calls that were asked for here, by the zone of their client."""
    clusters: Counter[tuple[int, ClusterOutcome]] = field(default_factory=Counter)
