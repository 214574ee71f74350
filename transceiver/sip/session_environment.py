"""What all the sessions of a user agent share."""

from collections.abc import Callable
from dataclasses import dataclass

from transceiver.sip.application import Authenticator
from transceiver.sip.authorized_request import AuthorizedRequest
from transceiver.sip.dialog import Dialog, Fields
from transceiver.sip.timers import GIVE_UP_S, Timers
from transceiver.sip.transactions.client import OnOutcome
from transceiver.sip.transactions.invite_client import InviteClientTransaction
from transceiver.sip.transactions.table import TransactionTable


@dataclass(frozen=True, slots=True)
class SessionEnvironment:
    transactions: TransactionTable
    timers: Timers
    random: Callable[[], float]
    """From 0 up to 1."""

    def request(
        self,
        dialog: Dialog,
        method: str,
        on_outcome: OnOutcome,
        *,
        fields: Fields = (),
        body: bytes = b"",
        authenticator: Authenticator | None = None,
    ) -> AuthorizedRequest:
        """Send a request in a dialog."""
        return AuthorizedRequest(
            self.transactions, dialog, method, fields, body, authenticator, on_outcome
        )

    def acknowledge(self, dialog: Dialog, sequence: int, credentials: Fields = ()) -> None:
        """Send the ACK of a 2xx to the INVITE of that number."""
        ack = dialog.acknowledgement(sequence, credentials)
        self.transactions.send_ack(ack, dialog.path.next_hop())

    def cancel(self, invite: AuthorizedRequest) -> None:
        """Take an INVITE back that has a provisional response; what is then not answered fails.

        https://www.rfc-editor.org/rfc/rfc3261#section-9.1
        """
        transaction = invite.transaction
        assert isinstance(transaction, InviteClientTransaction)
        self.transactions.cancel(transaction, lambda _outcome: None)
        self.timers.after(GIVE_UP_S, transaction.give_up)
