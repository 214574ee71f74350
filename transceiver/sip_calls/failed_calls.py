"""Calls of ours that nobody took, for applications that come too late to hear it.

They learn a call's id when its INVITE is on its way: who is busy has answered before a WebSocket
is made.
"""

from collections.abc import Callable
from dataclasses import dataclass

from transceiver.close_reason import CloseReason
from transceiver.sideband import Sideband, SidebandHost
from transceiver.signaling.calls import CallNotFoundError

KEPT_S = 10.0
MAX_KEPT = 256
"""Beyond it the oldest are forgotten."""


@dataclass(frozen=True, slots=True)
class _Failure:
    reason: CloseReason
    events: tuple[bytes, ...]
    until: float

    def tell(self, sideband: Sideband) -> None:
        for event in self.events:
            sideband.send(event)
        sideband.close(self.reason)


class FailedCalls:
    """Of one worker, by their ids; `clock` is monotonic."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._failures: dict[str, _Failure] = {}
        """The oldest first."""

    def __contains__(self, call_id: str) -> bool:
        self._forget()
        return call_id in self._failures

    def __len__(self) -> int:
        self._forget()
        return len(self._failures)

    def keep(self, call_id: str, reason: CloseReason, events: tuple[bytes, ...]) -> None:
        """What the call's sidebands hear at its end."""
        self._forget()
        if len(self._failures) >= MAX_KEPT:
            del self._failures[next(iter(self._failures))]
        self._failures[call_id] = _Failure(reason, events, self._clock() + KEPT_S)

    def sideband(self, call_id: str) -> Sideband:
        """Hears how the call ended, and is closed. Raises CallNotFoundError."""
        self._forget()
        failure = self._failures.get(call_id)
        if failure is None:
            raise CallNotFoundError
        sideband = Sideband(
            1,
            SidebandHost(
                joined=lambda _number: failure.tell(sideband),
                received=lambda _number, _event: None,
                left=lambda _number: None,
            ),
        )
        return sideband

    def _forget(self) -> None:
        now = self._clock()
        while self._failures:
            oldest = next(iter(self._failures))
            if self._failures[oldest].until > now:
                return
            del self._failures[oldest]
