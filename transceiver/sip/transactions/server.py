"""A request of a peer, until it is answered and repetitions of it are over.

https://www.rfc-editor.org/rfc/rfc3261#section-17.2.2
"""

from collections.abc import Callable, Iterable

from sipmessage import Request

from transceiver.sip.flow import Flow
from transceiver.sip.message import top_via
from transceiver.sip.next_hop import NextHop
from transceiver.sip.response_header import encode_response, reply_flow
from transceiver.sip.timers import GIVE_UP_S, Timers

LONGEST_S = 2 * GIVE_UP_S
"""A request other than INVITE that is not answered by then never is."""


class ServerTransaction:
    """Of any method but INVITE and ACK."""

    def __init__(
        self,
        request: Request,
        flow: Flow,
        to_tag: str,
        *,
        send: Callable[[bytes, Flow | NextHop], None],
        timers: Timers,
        on_terminated: Callable[[], None],
    ) -> None:
        """`to_tag` is ours in a To that has none."""
        self.request = request
        self.flow = flow
        self.to_tag = to_tag
        self.status = 0
        """Of the last response."""
        self._reply_flow = reply_flow(top_via(request.headers), flow)
        self._send = send
        self._timers = timers
        self._on_terminated = on_terminated
        self._last = b""
        self._limit = timers.after(LONGEST_S, on_terminated) if self.is_limited else None

    is_limited = True

    @property
    def answered(self) -> bool:
        """There was a final response."""
        return self.status >= 200

    def respond(
        self, status: int, fields: Iterable[tuple[str, str]] = (), body: bytes = b""
    ) -> bytes:
        """Send a response, and again whenever the request is. Returns its bytes. Nothing is
        sent after a final one."""
        if self.answered:
            return self._last
        tag = self.to_tag if status > 100 else ""
        self._last = encode_response(self.request, status, tag, fields, body)
        self.status = status
        self._send_last()
        if self.answered:
            self._answered()
        return self._last

    def repeated(self) -> None:
        """The request came again."""
        if self._last:
            self._send_last()

    def _answered(self) -> None:
        if self._limit:
            self._limit.cancel()
        self._timers.after(0 if self.flow.transport.reliable else GIVE_UP_S, self._on_terminated)

    def _send_last(self) -> None:
        self._send(self._last, self._reply_flow)
