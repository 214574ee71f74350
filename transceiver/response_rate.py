"""How many responses a session may have: each is a request of its key."""

import math
from collections.abc import Callable

from antiphon_proto.realtime import RealtimeError
from antiphon_proto.realtime import server_events as api
from transceiver.signaling.request_rate import Allowance

SpendRequest = Callable[[], Allowance | None]
"""Takes a request of the session's key, if one is left; None where there is no limit."""


def unlimited() -> None:
    """A key without a limit."""


class ResponseRate:
    """Of one session."""

    def __init__(self, spend: SpendRequest) -> None:
        self._spend = spend

    def count(self) -> list[api.ServerEvent]:
        """Count a response that begins: what the client is told of it. Raises RealtimeError."""
        allowance = self._spend()
        if allowance is None:
            return []
        if allowance.wait_s:
            raise RealtimeError(
                "rate_limit_exceeded",
                f"This API key may have {allowance.limit} requests a minute, responses among "
                f"them. Please try again in {math.ceil(allowance.wait_s)} s.",
            )
        left = api.RateLimit(
            name="requests",
            limit=allowance.limit,
            remaining=allowance.remaining,
            reset_seconds=round(allowance.reset_s, 3),
        )
        return [api.RateLimitsUpdated(rate_limits=[left])]
