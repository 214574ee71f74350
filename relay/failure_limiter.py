"""How many failed authentications a network may cause before its checks go unread.

Authenticating a check costs some 15 microseconds, a forged one as much as a good
one. Networks share a budget, not addresses, of which an attacker has many.
"""

from collections import OrderedDict
from dataclasses import dataclass

from antiphon_proto.address import pack_host

FAILURES_PER_SECOND = 20.0
BURST = 100.0
"""Enough for a deployment's clients behind one address that all hold an expired ufrag."""

NETWORKS = 4096
"""Networks with failures that are remembered; the one that failed longest ago makes room."""

_PREFIX_BYTES = {4: 3, 16: 7}
"""/24 of IPv4, /56 of IPv6: what one customer or one cheap rented network has."""


@dataclass(slots=True)
class _Budget:
    left: float
    at: float


class FailureLimiter:
    """A token bucket a network, refilled with time and emptied by failures alone."""

    def __init__(self) -> None:
        self._networks: OrderedDict[bytes, _Budget] = OrderedDict()

    def allows(self, host: str, now: float) -> bool:
        """Whether a check from `host` is worth reading."""
        budget = self._networks.get(_network(host))
        return budget is None or _refilled(budget, now) >= 1

    def failed(self, host: str, now: float) -> None:
        """A check from `host` did not authenticate."""
        network = _network(host)
        budget = self._networks.pop(network, None)
        left = BURST if budget is None else _refilled(budget, now)
        self._networks[network] = _Budget(max(0.0, left - 1), now)
        if len(self._networks) > NETWORKS:
            self._networks.popitem(last=False)


def _network(host: str) -> bytes:
    packed = pack_host(host)
    return packed[: _PREFIX_BYTES[len(packed)]]


def _refilled(budget: _Budget, now: float) -> float:
    return min(BURST, budget.left + (now - budget.at) * FAILURES_PER_SECOND)
