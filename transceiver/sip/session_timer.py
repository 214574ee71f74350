"""Whether a session's other side is still there: refreshed by either, or over.

https://www.rfc-editor.org/rfc/rfc4028
"""

from collections.abc import Callable

from sipmessage import Request, Response

from transceiver.sip.extensions import TIMER, knows_extension
from transceiver.sip.message import number_of
from transceiver.sip.timers import Timer, Timers

INTERVAL_S = 1800
"""What we ask for: the RFC's recommendation."""
MIN_INTERVAL_S = 90
MAX_INTERVAL_S = 24 * 3600

INTERVAL_FIELDS = (("Session-Expires", str(INTERVAL_S)), ("Min-SE", str(MIN_INTERVAL_S)))


def is_too_small(request: Request) -> bool:
    """422: https://www.rfc-editor.org/rfc/rfc4028#section-9"""
    asked = number_of(request.headers.get("Session-Expires"))
    return asked is not None and asked < MIN_INTERVAL_S and knows_extension(request, TIMER)


def _refresher(field: str | None) -> str:
    for parameter in (field or "").lower().split(";")[1:]:
        name, _, value = parameter.partition("=")
        if name.strip() == "refresher":
            return value.strip()
    return ""


class SessionTimer:
    """Starts anew with every INVITE and UPDATE that is answered."""

    def __init__(
        self, timers: Timers, refresh: Callable[[], None], expire: Callable[[], None]
    ) -> None:
        """`refresh` is to send a request that refreshes, `expire` to end the session."""
        self._timers = timers
        self._refresh = refresh
        self._expire = expire
        self._timer: Timer | None = None
        self._interval = 0
        self._refreshes = False

    def answer(self, request: Request) -> tuple[tuple[str, str], ...]:
        """Start by a peer's request. The fields of the 2xx to it."""
        asked = number_of(request.headers.get("Session-Expires"))
        if asked is None:
            self.stop()
            return ()
        theirs = knows_extension(request, TIMER)
        wanted = _refresher(request.headers.get("Session-Expires"))
        interval = max(MIN_INTERVAL_S, min(asked, MAX_INTERVAL_S))
        by_us = not theirs or wanted == "uas"
        self._start(interval, by_us)
        refresher = "uas" if by_us else "uac"
        expires = ("Session-Expires", f"{interval};refresher={refresher}")
        return (expires,) if by_us else (expires, ("Require", TIMER))

    def offer(self) -> tuple[tuple[str, str], ...]:
        """The fields of an INVITE or UPDATE of ours."""
        if not self._interval:
            return INTERVAL_FIELDS
        refresher = "uac" if self._refreshes else "uas"
        return (
            ("Session-Expires", f"{self._interval};refresher={refresher}"),
            ("Min-SE", str(MIN_INTERVAL_S)),
        )

    def answered(self, response: Response) -> None:
        """Start by the peer's 2xx to a request of ours: no timer where it names none."""
        field = response.headers.get("Session-Expires")
        interval = number_of(field)
        if interval is None:
            self.stop()
        else:
            interval = max(MIN_INTERVAL_S, min(interval, MAX_INTERVAL_S))
            self._start(interval, _refresher(field) != "uas")

    def stop(self) -> None:
        self._interval = 0
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _start(self, interval: int, refreshes: bool) -> None:
        self.stop()
        self._interval = interval
        self._refreshes = refreshes
        if refreshes:
            self._timer = self._timers.after(interval / 2, self._refresh_due)
        else:
            self._timer = self._timers.after(interval - min(32, interval / 3), self._expire)

    def _refresh_due(self) -> None:
        self._timer = self._timers.after(self._interval / 2, self._expire)
        self._refresh()
