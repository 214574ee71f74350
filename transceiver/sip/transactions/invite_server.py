"""A peer's INVITE, until it is answered and that acknowledged.

https://www.rfc-editor.org/rfc/rfc3261#section-17.2.1, with the state Accepted of
https://www.rfc-editor.org/rfc/rfc6026#section-7.1
"""

from transceiver.sip.retransmission import Retransmission
from transceiver.sip.timers import GIVE_UP_S, T4
from transceiver.sip.transactions.server import ServerTransaction


class InviteServerTransaction(ServerTransaction):
    """Repeats refusals until they are acknowledged; a 2xx is the session's to repeat."""

    is_limited = False

    _refusal: Retransmission | None = None
    _is_acknowledged = False

    def send_again(self, response: bytes) -> None:
        """A response that is the session's to repeat: a 2xx, or a reliable provisional one."""
        self._send(response, self._reply_flow)

    def repeated(self) -> None:
        """Silent once it was accepted: the session repeats its 2xx until it is acknowledged."""
        if not 200 <= self.status < 300 and not self._is_acknowledged:
            super().repeated()

    def acknowledged(self) -> None:
        """The ACK of a refusal came."""
        if self._refusal and not self._is_acknowledged:
            self._is_acknowledged = True
            self._refusal.stop()
            self._timers.after(0 if self.flow.transport.reliable else T4, self._on_terminated)

    def _answered(self) -> None:
        if self.status < 300:
            self._timers.after(GIVE_UP_S, self._on_terminated)
        else:
            self._refusal = Retransmission(
                self._timers,
                self._send_last,
                self._on_terminated,
                repeats=not self.flow.transport.reliable,
            )
