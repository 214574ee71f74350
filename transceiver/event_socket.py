"""What sessions and sidebands know of a WebSocket."""

from typing import Protocol

from transceiver.close_reason import CloseReason


class EventSocket(Protocol):
    """Where a client's events come from and the server's go."""

    @property
    def unsent_bytes(self) -> int:
        """Of events that wait for the client to read."""

    def send(self, event: bytes) -> None: ...

    def close(self, reason: CloseReason) -> None:
        """Close behind what was sent."""
