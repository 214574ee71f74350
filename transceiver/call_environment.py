"""What the calls of one worker have in common."""

from collections.abc import Callable
from dataclasses import dataclass

from chassis.tracing.tracer import NO_TRACER, Tracer
from transceiver.counters import CallCounters
from transceiver.engine_leg import Replicas
from transceiver.mcp.requests import McpOpener, ask_nobody
from transceiver.metrics import TurnLatency
from transceiver.signaling.request_rate import Allowance


def _nothing_to_count(_fingerprint: str) -> None: ...


@dataclass(frozen=True, slots=True)
class CallEnvironment:
    """`clock` is monotonic; `max_idle_seconds` of 0 allows any silence."""

    replicas: Replicas
    counters: CallCounters
    turn_latency: TurnLatency
    clock: Callable[[], float]
    unix_time: Callable[[], float]
    max_seconds: int
    max_idle_seconds: int
    mcp: McpOpener = ask_nobody
    tracer: Tracer = NO_TRACER
    count_response: Callable[[str], Allowance | None] = _nothing_to_count
    """Takes a request of the API key with this fingerprint; None where there is no limit."""
