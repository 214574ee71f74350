"""How many failed authentications a network may cause before its checks go unread.

Authenticating a check costs some 15 microseconds, a forged one as much as a good
one. Networks share a budget, not addresses, of which an attacker has many.
"""

from antiphon_proto.address import network_of
from chassis.failure_budgets import FailureBudgets

FAILURES_PER_SECOND = 20.0
BURST = 100.0
"""Enough for a deployment's clients behind one address that all hold an expired ufrag."""


class FailureLimiter:
    """For one relay worker."""

    def __init__(self) -> None:
        self._budgets = FailureBudgets(BURST, FAILURES_PER_SECOND)

    def allows(self, host: str, now: float) -> bool:
        """Whether a check from `host` is worth reading."""
        return self._budgets.allows(network_of(host), now)

    def failed(self, host: str, now: float) -> None:
        """A check from `host` did not authenticate."""
        self._budgets.failed(network_of(host), now)
