"""Which calls a worker takes."""

from collections import Counter
from collections.abc import Callable
from typing import Protocol

from antiphon_proto.trunk import Error, Ready
from transceiver.close_reason import CloseReason
from transceiver.load_meter import LoadMeter
from transceiver.signaling.calls import CallRefusedError, RefusalReason

RETRY_AFTER_S = 5

_BY_ENGINE = {
    "at_capacity": RefusalReason.AT_CAPACITY,
    "draining": RefusalReason.DRAINING,
}
"""By the error code of the replica that refused a session."""


class EngineWaiter(Protocol):
    """A call, before a replica has taken it."""

    async def engine_opened(self) -> Ready | Error: ...


class Admission:
    """Refuses what the worker cannot serve well; each refusal is counted by its reason."""

    def __init__(
        self,
        meter: LoadMeter,
        refused: Counter[RefusalReason],
        *,
        max_load: float,
        max_calls: int,
        engine_connected: Callable[[], bool],
    ) -> None:
        """With a `max_load` of 1 no load refuses a call."""
        self._meter = meter
        self._refused = refused
        self.max_load = max_load
        self.max_calls = max_calls
        self._engine_connected = engine_connected
        self.draining = False
        """Set it, and no call is taken any more."""

    def check(self, open_calls: int) -> None:
        """Raises CallRefusedError unless there is room beside so many calls."""
        reason = self._hindrance(open_calls)
        if reason is not None:
            raise self.refusal(reason)

    def admitted(self, now: float) -> None:
        """A call was let in, at `now`, that the load does not show yet."""
        self._meter.admitted(now)

    def refusal(self, reason: RefusalReason) -> CallRefusedError:
        """The error with which to refuse an offer; counts it."""
        self._refused[reason] += 1
        return CallRefusedError(reason, retry_after_s=RETRY_AFTER_S)

    async def wait_taken(self, call: EngineWaiter) -> None:
        """Return when a replica took the call. Raises CallRefusedError."""
        answer = await call.engine_opened()
        if isinstance(answer, Error):
            raise self.refusal(_BY_ENGINE.get(answer.code, RefusalReason.ENGINE_UNAVAILABLE))

    def _hindrance(self, open_calls: int) -> RefusalReason | None:
        if self.draining:
            return RefusalReason.DRAINING
        if not self._engine_connected():
            return RefusalReason.ENGINE_UNAVAILABLE
        if open_calls >= self.max_calls:
            return RefusalReason.AT_CAPACITY
        if self.max_load < 1 and not self._meter.fits_one_more(self.max_load):
            return RefusalReason.OVERLOADED
        return None


def why_unanswered(error: BaseException) -> CloseReason:
    """How a call ended that `error` kept from being answered."""
    match error:
        case CallRefusedError():
            return CloseReason.ENGINE_FAILED
        case Exception():
            return CloseReason.INTERNAL_ERROR
    return CloseReason.CANCELLED
