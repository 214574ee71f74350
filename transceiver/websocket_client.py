"""One connection of a session's client: the session may have several, one after the other."""

from transceiver.close_reason import CloseReason
from transceiver.event_socket import EventSocket
from transceiver.websocket_call import WebSocketCall

LOST = frozenset({CloseReason.CLIENT_LOST, CloseReason.CONSENT_LOST})
"""How a connection ends whose client may come again."""


class WebSocketClient:
    """An `EventSession` of a WebSocket; what comes behind another connection is passed over."""

    def __init__(
        self, call: WebSocketCall, *, returns: bool = False, last_event_id: str | None = None
    ) -> None:
        """`returns`: the session has begun, and the client heard of it up to `last_event_id`."""
        self._call = call
        self._returns = returns
        self._last_event_id = last_event_id
        self._socket: EventSocket | None = None

    def start(self, socket: EventSocket) -> None:
        self._socket = socket
        if self._call.closed is not None:
            # It ended while the connection was made.
            socket.close(self._call.closed)
        elif self._returns:
            self._call.resume(socket, self._last_event_id)
        else:
            self._call.start(socket)

    def receive(self, message: bytes) -> None:
        if self._is_current:
            self._call.receive(message)

    def forward(self) -> float:
        return self._call.forward() or 0.0 if self._is_current else 0.0

    def close(self, reason: CloseReason) -> None:
        """The connection is over."""
        if not self._is_current or self._socket is None:
            return
        if reason in LOST:
            self._call.lose(self._socket, reason)
        else:
            self._call.close(reason)

    def fail(self) -> None:
        if self._is_current:
            self._call.fail()

    @property
    def _is_current(self) -> bool:
        return self._socket is not None and self._call.plays_to(self._socket)
