"""How often networks may fail at something: a token bucket each, emptied by failures alone."""

from collections import OrderedDict
from dataclasses import dataclass

NETWORKS = 4096
"""Networks with failures that are remembered; the one that failed longest ago makes room."""


@dataclass(slots=True)
class _Budget:
    left: float
    at: float


class FailureBudgets:
    """By network, as `antiphon_proto.address.network_of` names it; times are in seconds."""

    def __init__(self, burst: float, per_second: float) -> None:
        """A network that never failed may do so `burst` times at once."""
        self._burst = burst
        self._per_second = per_second
        self._networks: OrderedDict[bytes, _Budget] = OrderedDict()

    def allows(self, network: bytes, now: float) -> bool:
        """Whether one more failure would be within the budget; asking costs nothing."""
        budget = self._networks.get(network)
        return budget is None or self._refilled(budget, now) >= 1

    def failed(self, network: bytes, now: float) -> None:
        """Failures beyond the budget make no debt."""
        budget = self._networks.pop(network, None)
        left = self._burst if budget is None else self._refilled(budget, now)
        self._networks[network] = _Budget(max(0.0, left - 1), now)
        if len(self._networks) > NETWORKS:
            self._networks.popitem(last=False)

    def _refilled(self, budget: _Budget, now: float) -> float:
        return min(self._burst, budget.left + (now - budget.at) * self._per_second)
