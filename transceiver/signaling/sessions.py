"""What signaling needs of whoever makes sessions over WebSockets."""

from collections.abc import Callable
from typing import Protocol

from antiphon_proto.realtime import RealtimeSession
from transceiver.resumption.continuity import TakenUp
from transceiver.resumption.resume_token import Origin
from transceiver.websocket_call import WebSocketCall


class Sessions(Protocol):
    """Opens sessions over WebSockets."""

    async def open(
        self,
        session: RealtimeSession,
        origin: Origin,
        on_end: Callable[[], None],
        taken_up: TakenUp | None = None,
    ) -> WebSocketCall:
        """`on_end` is called when it is over, `taken_up` is what it goes on with.

        Raises CallRefusedError when there is no room; `on_end` is not called then.
        """

    def leave(self, call: WebSocketCall) -> None:
        """A connection of the session is over."""

    def give_up(self, call: WebSocketCall) -> None:
        """End the session if its client is lost."""

    def close_all(self) -> None: ...

    def flush(self) -> None:
        """Send what is queued for the engines."""
