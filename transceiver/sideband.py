"""An application's connection to a call beside its client's: it hears all events, and takes part.

https://platform.openai.com/docs/guides/realtime-server-controls
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from transceiver.close_reason import CloseReason
from transceiver.event_socket import EventSocket

logger = logging.getLogger(__name__)

MAX_UNSENT_BYTES = 1024 * 1024
"""A sideband that leaves more unread is closed; its call goes on."""


@dataclass(frozen=True, slots=True)
class SidebandHost:
    """What a call does with its sidebands, each known to it by a number."""

    joined: Callable[[int], object]
    received: Callable[[int, bytes], object]
    """Take one's event."""
    left: Callable[[int], object]


class Sideband:
    """Sans-IO, on the worker's event loop: an `EventSession` of a WebSocket."""

    def __init__(self, number: int, host: SidebandHost) -> None:
        self.closed: CloseReason | None = None
        self._number = number
        self._host: SidebandHost | None = host
        self._socket: EventSocket | None = None

    def start(self, socket: EventSocket) -> None:
        """The application has come; `session.created` is the first that it hears."""
        self._socket = socket
        if self._host is None:
            # The call ended while the connection was made.
            socket.close(self.closed or CloseReason.CLIENT_HANGUP)
        else:
            self._host.joined(self._number)

    def receive(self, message: bytes) -> None:
        """Take an event of the application."""
        if self._host is not None:
            self._host.received(self._number, message)

    def forward(self) -> float:
        """A sideband appends no audio that would have to wait."""
        return 0.0

    def send(self, event: bytes) -> None:
        """Queue an event of the server; one that does not read is closed."""
        if self._socket is None:
            return
        self._socket.send(event)
        if self._socket.unsent_bytes > MAX_UNSENT_BYTES:
            self.close(CloseReason.CHANNEL_BROKEN)

    def close(self, reason: CloseReason) -> None:
        """End the connection, not the call; harmless when it has ended."""
        host, self._host = self._host, None
        if host is None:
            return
        self.closed = reason
        host.left(self._number)
        if self._socket is not None:
            self._socket.close(reason)

    def fail(self) -> None:
        """End for the defect that is being handled."""
        logger.exception("a sideband failed")
        self.close(CloseReason.INTERNAL_ERROR)
