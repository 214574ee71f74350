"""Which calls a worker takes."""

from collections import Counter
from collections.abc import Callable

from transceiver.load_meter import LoadMeter
from transceiver.signaling.calls import CallRefusedError, RefusalReason

RETRY_AFTER_S = 5


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
        self._max_load = max_load
        self._max_calls = max_calls
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

    def _hindrance(self, open_calls: int) -> RefusalReason | None:
        if self.draining:
            return RefusalReason.DRAINING
        if not self._engine_connected():
            return RefusalReason.ENGINE_UNAVAILABLE
        if open_calls >= self._max_calls:
            return RefusalReason.AT_CAPACITY
        if self._max_load < 1 and not self._meter.fits_one_more(self._max_load):
            return RefusalReason.OVERLOADED
        return None
