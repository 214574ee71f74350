"""How many wrong passwords a network may try before what it says goes unread."""

from collections import OrderedDict
from dataclasses import dataclass

GUESSES_PER_SECOND = 0.2
BURST = 30.0
"""Enough for an office that was given a wrong file of passwords."""

NETWORKS = 4096
"""Networks with failures that are remembered; the one that failed longest ago makes room."""


@dataclass(slots=True)
class _Budget:
    left: float
    at: float


class GuessLimiter:
    """A token bucket a network (see source_network), refilled with time and emptied by failures.

    A failure needs a nonce that was sent to this network, so nobody uses up another's.
    """

    def __init__(self) -> None:
        self._networks: OrderedDict[bytes, _Budget] = OrderedDict()

    def allows(self, network: bytes, now: float) -> bool:
        budget = self._networks.get(network)
        return budget is None or _refilled(budget, now) >= 1

    def failed(self, network: bytes, now: float) -> None:
        budget = self._networks.pop(network, None)
        left = BURST if budget is None else _refilled(budget, now)
        self._networks[network] = _Budget(max(0.0, left - 1), now)
        if len(self._networks) > NETWORKS:
            self._networks.popitem(last=False)


def _refilled(budget: _Budget, now: float) -> float:
    return min(BURST, budget.left + (now - budget.at) * GUESSES_PER_SECOND)
