"""An INVITE of ours, until it is answered and the answer acknowledged.

https://www.rfc-editor.org/rfc/rfc3261#section-17.1.1, with the state Accepted of
https://www.rfc-editor.org/rfc/rfc6026#section-7.2
"""

import math

from sipmessage import Response

from transceiver.sip.outgoing_request import OutgoingRequest
from transceiver.sip.timers import GIVE_UP_S, TIMER_D_S
from transceiver.sip.transactions.client import ClientTransaction, Failure


class InviteClientTransaction(ClientTransaction):
    """Acknowledges refusals; every 2xx goes to the session, which acknowledges it."""

    repeats_longest = math.inf
    lingers_s = TIMER_D_S

    _is_proceeding = False

    def received(self, response: Response) -> None:
        if response.code < 200:
            self._provisional(response)
        elif response.code < 300:
            self._accepted(response)
        else:
            self._refused(response)

    def give_up(self) -> None:
        """Whatever was cancelled and is still not answered by now."""
        if self._is_proceeding:
            self.fail(Failure.TIMEOUT)

    def _provisional(self, response: Response) -> None:
        if self._final is None:
            # From here on only the session says how long is too long.
            self._waiting.stop()
            self._is_proceeding = True
            self._on_outcome(response)

    def _accepted(self, response: Response) -> None:
        if self._final is None:
            self._final = response
            self._waiting.stop()
            self._timers.after(GIVE_UP_S, self._on_terminated)
        if self._final.code < 300:
            self._on_outcome(response)

    def _refused(self, response: Response) -> None:
        if self._final is None:
            self._acknowledge(response)
            self._finish(response)
            self._on_outcome(response)
        elif self._final.code >= 300:
            self._acknowledge(response)

    def _acknowledge(self, response: Response) -> None:
        """https://www.rfc-editor.org/rfc/rfc3261#section-17.1.1.3"""
        request = self.request
        ack = OutgoingRequest(
            "ACK",
            request.uri,
            (
                *request.values("Route", "From", "Call-ID"),
                ("To", response.headers["To"]),
                ("CSeq", f"{response.cseq.sequence} ACK"),
            ),
        )
        self._send(ack.encode(self.via), self.hop)
