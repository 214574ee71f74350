"""Equal model servers, each behind a circuit breaker, and the tries of a request at them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

from inference.model_server.affinity import ranked
from inference.model_server.circuit_breaker import BreakerLimits, BreakerState, CircuitBreaker
from inference.model_server.counters import ModelServerCounters, Outcome, ServerKind
from inference.model_server.failure_report import FailureReport
from inference.model_server.model_server_error import ModelServerError
from inference.model_server.retry import RetryPolicy

LIMITS = BreakerLimits()
POLICY = RetryPolicy()

FAULT_OF_THE_SERVER = frozenset(
    {
        Outcome.UNREACHABLE,
        Outcome.TIMED_OUT,
        Outcome.FAILED,
        Outcome.GARBLED,
        Outcome.BROKEN_OFF,
    }
)
"""What counts against a server. Being refused does not, else one caller's bad request would cut
off all others; nor being told to come later, which is the answer of a server that works."""


@dataclass(frozen=True, slots=True)
class _Server:
    url: str
    breaker: CircuitBreaker
    report: FailureReport


class ServerPool:
    """The servers of one kind."""

    def __init__(
        self,
        kind: ServerKind,
        urls: Sequence[str],
        counters: ModelServerCounters,
        *,
        random: Callable[[], float],
        tell: Callable[[str], None] = lambda line: None,
        limits: BreakerLimits = LIMITS,
        policy: RetryPolicy = POLICY,
    ) -> None:
        """`urls`: base URLs, at least one. `random`: numbers from 0 to 1. `tell`
        is given lines for the operator about servers that fail.
        """
        self.kind = kind
        self.urls = tuple(urls)
        self.counters = counters
        self.policy = policy
        self.random = random
        self.tell = tell
        self.servers = [
            _Server(
                url,
                CircuitBreaker(limits, self._count),
                FailureReport(f"the {kind.value} server {public_url(url)}"),
            )
            for url in urls
        ]

    def attempts(self, session_key: str, now: float, budget_s: float) -> "Attempts":
        """The tries of one request, of which an answer must begin within `budget_s`."""
        return Attempts(self, session_key, now + budget_s)

    def _count(self, old: BreakerState, new: BreakerState) -> None:
        counters, kind = self.counters, self.kind
        if new is BreakerState.OPEN:
            counters.breakers_opened[kind] += 1
        counters.breakers_open[kind] += (old is BreakerState.CLOSED) - (new is BreakerState.CLOSED)


def public_url(url: str) -> str:
    """The URL without a name and password, which may stand before its host."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


class Attempts:
    """Tries of one request, one after the other.

    `begin` gives a server. Then say once how it went: `succeeded`, `failed` or
    `abandoned`; what is said after that is passed over.
    """

    def __init__(self, pool: ServerPool, session_key: str, deadline: float) -> None:
        self.deadline = deadline
        self._pool = pool
        self._ranked = [pool.servers[place] for place in ranked(session_key, pool.urls)]
        self._tried: list[_Server] = []
        self._current: _Server | None = None

    def begin(self, now: float) -> str:
        """The URL to ask: the call's own server, or the next best one while that fails.

        Raises ModelServerError when every server's breaker is open.
        """
        waiting = [server for server in self._ranked if server.breaker.would_begin(now)]
        if not waiting:
            self._count(Outcome.CIRCUIT_OPEN)
            raise ModelServerError(Outcome.CIRCUIT_OPEN, "failed too often a moment ago")
        if self._tried:
            self._pool.counters.retries[self._pool.kind] += 1
        server = min(waiting, key=self._tried.count)
        server.breaker.begin(now)
        self._tried.append(server)
        self._current = server
        return server.url

    def succeeded(self) -> None:
        if server := self._take_current(Outcome.ANSWERED):
            server.breaker.succeeded()

    def abandoned(self) -> None:
        if server := self._take_current(Outcome.ABANDONED):
            server.breaker.abandoned()

    def failed(self, error: ModelServerError, now: float) -> float | None:
        """Seconds to wait before the next `begin`, or None: give up."""
        server = self._take_current(error.outcome)
        if server is None:
            return None
        if error.outcome in FAULT_OF_THE_SERVER:
            server.breaker.failed(now)
        elif error.outcome is Outcome.OVERLOADED:
            server.breaker.abandoned()
        else:
            server.breaker.succeeded()
        pool = self._pool
        if line := server.report.line(error, now):
            pool.tell(line)
        return pool.policy.pause_s(error, len(self._tried), self.deadline - now, pool.random)

    def _take_current(self, outcome: Outcome) -> _Server | None:
        server, self._current = self._current, None
        if server is not None:
            self._count(outcome)
        return server

    def _count(self, outcome: Outcome) -> None:
        self._pool.counters.tries[self._pool.kind, outcome] += 1
