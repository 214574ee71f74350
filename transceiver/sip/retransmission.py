"""Says something again, ever more rarely, until somebody is heard or it is too late."""

import math
from collections.abc import Callable

from transceiver.sip.timers import GIVE_UP_S, T1, T2, Timer, Timers


class Retransmission:
    """Of one message, begun when that was first sent; stopped by whoever hears the answer."""

    def __init__(
        self,
        timers: Timers,
        resend: Callable[[], None],
        give_up: Callable[[], None],
        *,
        repeats: bool = True,
        longest: float = T2,
    ) -> None:
        """`repeats` is for transports that lose; `longest` bounds the interval."""
        self._timers = timers
        self._resend = resend
        self._interval = T1
        self._longest = longest
        self._repetition: Timer | None = None
        self._end: Timer | None = timers.after(GIVE_UP_S, lambda: self._too_late(give_up))
        if repeats:
            self._schedule()

    def stop(self) -> None:
        """Nothing more is sent, and nobody told."""
        self.quiet()
        if self._end:
            self._end.cancel()
            self._end = None

    def quiet(self) -> None:
        """Nothing more is sent, but it may still be too late."""
        if self._repetition:
            self._repetition.cancel()
            self._repetition = None

    def slow(self) -> None:
        """The peer is at work: repeat at the longest interval."""
        if self._repetition and self._longest != math.inf:
            self._repetition.cancel()
            self._interval = self._longest
            self._schedule()

    def _schedule(self) -> None:
        self._repetition = self._timers.after(self._interval, self._again)

    def _again(self) -> None:
        self._interval = min(2 * self._interval, self._longest)
        self._schedule()
        self._resend()

    def _too_late(self, give_up: Callable[[], None]) -> None:
        self.stop()
        give_up()
