"""What the holders of each API key use of this worker, and may not exceed.

Counts are this worker's own: a client's connections go to workers by chance, so a
deployment of N workers lets a key have N times as much at most.
"""

import math
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack

from transceiver.signaling.api_keys import ApiKey, KeyLimits
from transceiver.signaling.errors import ApiError
from transceiver.signaling.key_refusal import KeyRefusal
from transceiver.signaling.request_rate import Allowance, RequestRate

SESSION_RETRY_AFTER_S = 5


class KeyUsage:
    """Counts the sessions and the requests of keys, those of their client secrets among them.

    A session's responses are requests, too.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        defaults: KeyLimits | None = None,
        refused: Counter[KeyRefusal] | None = None,
    ) -> None:
        """`clock` is monotonic; `defaults` are for keys without a limit of their own."""
        self._clock = clock
        self._defaults = defaults or KeyLimits()
        self.refused = Counter[KeyRefusal]() if refused is None else refused
        """Requests that were refused for their key, here or elsewhere."""
        self._sessions: Counter[str] = Counter()
        self._spares: dict[str, dict[ExitStack, Callable[[], None]]] = {}
        self._rates: dict[str, RequestRate] = {}

    def sessions(self, key: ApiKey) -> int:
        """How many of the key are open."""
        return self._sessions[key.fingerprint]

    def begin_session(self, key: ApiKey) -> ExitStack:
        """Count a session until the result is closed. Raises ApiError (429) beyond the limit."""
        limit = _limit(key.limits.sessions, self._defaults.sessions)
        if limit:
            self._make_room(key, limit)
        if limit and self.sessions(key) >= limit:
            self.refused[KeyRefusal.SESSIONS] += 1
            raise _too_many(
                f"This API key has {limit} sessions open, as many as it may.",
                "session_limit_exceeded",
                SESSION_RETRY_AFTER_S,
            )
        self._sessions[key.fingerprint] += 1
        held = ExitStack()
        held.callback(self._end_session, key.fingerprint)
        return held

    def spare(self, key: ApiKey, held: ExitStack, give_up: Callable[[], None]) -> None:
        """The session of `held` may wait for a client that is lost: `give_up` ends it then.

        It does so where a new session needs its place; the first one that was spared goes first.
        """
        self._spares.setdefault(key.fingerprint, {})[held] = give_up
        held.callback(self._spare_no_more, key.fingerprint, held)

    def _make_room(self, key: ApiKey, limit: int) -> None:
        for give_up in list(self._spares.get(key.fingerprint, {}).values()):
            if self.sessions(key) < limit:
                return
            give_up()

    def _spare_no_more(self, fingerprint: str, held: ExitStack) -> None:
        spares = self._spares[fingerprint]
        del spares[held]
        if not spares:
            del self._spares[fingerprint]

    def count_request(self, key: ApiKey) -> Allowance | None:
        """Take one request, if there is one left; None for a key without a limit."""
        return self._spend(key.fingerprint, key.limits.requests_per_minute)

    def count_response(self, fingerprint: str, key: ApiKey | None) -> Allowance | None:
        """The same for a response; `key` is the one of this fingerprint, if it is still listed."""
        allowance = self._spend(fingerprint, key.limits.requests_per_minute if key else None)
        if allowance is not None and allowance.wait_s:
            self.refused[KeyRefusal.REQUEST_RATE] += 1
        return allowance

    def refusal(self, allowance: Allowance) -> ApiError:
        """The error (429) for a request that was not taken; counts it."""
        self.refused[KeyRefusal.REQUEST_RATE] += 1
        return _too_many(
            f"This API key may send {allowance.limit} requests a minute.",
            "rate_limit_exceeded",
            math.ceil(allowance.wait_s),
        )

    def _spend(self, fingerprint: str, own: int | None) -> Allowance | None:
        limit = _limit(own, self._defaults.requests_per_minute)
        if not limit:
            return None
        now = self._clock()
        rate = self._rates.setdefault(fingerprint, RequestRate(now))
        return rate.spend(limit, now)

    def _end_session(self, fingerprint: str) -> None:
        self._sessions[fingerprint] -= 1
        if not self._sessions[fingerprint]:
            del self._sessions[fingerprint]


def _limit(own: int | None, default: int | None) -> int:
    """0 for none."""
    return (default or 0) if own is None else own


def _too_many(message: str, code: str, retry_after_s: int) -> ApiError:
    return ApiError(
        429,
        f"{message} Please try again in {retry_after_s} s.",
        code=code,
        type="rate_limit_error",
        headers={"Retry-After": str(retry_after_s)},
    )
