"""Our 2xx to an INVITE, repeated until it is acknowledged.

https://www.rfc-editor.org/rfc/rfc3261#section-13.3.1.4
"""

from collections.abc import Callable

from transceiver.sip.dialog import Fields
from transceiver.sip.message_body import SDP
from transceiver.sip.retransmission import Retransmission
from transceiver.sip.timers import Timers
from transceiver.sip.transactions.invite_server import InviteServerTransaction


class Acceptance:
    """Sent when made. Repeated over every transport: further on there may be one that loses."""

    def __init__(
        self,
        transaction: InviteServerTransaction,
        timers: Timers,
        fields: Fields,
        description: str | None,
        on_unacknowledged: Callable[[], None],
        *,
        is_offer: bool,
    ) -> None:
        """`is_offer` says that the ACK has to bring the answer to `description`."""
        self.is_offer = is_offer
        self.sequence = transaction.request.cseq.sequence
        body = (description or "").encode()
        response = transaction.respond(200, (*fields, SDP) if body else fields, body)
        self._repetition = Retransmission(
            timers, lambda: transaction.send_again(response), on_unacknowledged
        )

    def stop(self) -> None:
        """It was acknowledged."""
        self._repetition.stop()
