"""A request in a dialog, sent again with credentials where somebody asks for them, and by another
connection where the dialog's is gone.

https://www.rfc-editor.org/rfc/rfc3261#section-22
"""

import contextlib
from collections.abc import Sequence

from sipmessage import Response

from transceiver.sip.application import Authenticator
from transceiver.sip.dialog import Dialog, Fields
from transceiver.sip.digest import DigestError, digest_parameters
from transceiver.sip.flow import Flow
from transceiver.sip.transactions.client import ClientTransaction, Failure, OnOutcome
from transceiver.sip.transactions.table import TransactionTable

MAX_CHALLENGES = 4
"""A proxy's and the peer's, and one each for a nonce that has become stale."""

_CHALLENGES = {
    401: ("WWW-Authenticate", "Authorization"),
    407: ("Proxy-Authenticate", "Proxy-Authorization"),
}


class AuthorizedRequest:
    """Sends its request when made; `transaction` is that of the latest attempt."""

    def __init__(
        self,
        transactions: TransactionTable,
        dialog: Dialog,
        method: str,
        fields: Fields,
        body: bytes,
        authenticator: Authenticator | None,
        on_outcome: OnOutcome,
    ) -> None:
        self.credentials: Fields = ()
        """As an ACK has to repeat them: https://www.rfc-editor.org/rfc/rfc3261#section-22.1"""
        self.sequence = 0
        self._transactions = transactions
        self._dialog = dialog
        self._method = method
        self._fields = fields
        self._body = body
        self._authenticator = authenticator
        self._on_outcome = on_outcome
        self._challenges = 0
        self.transaction: ClientTransaction = self._sent()

    def abandon(self) -> None:
        """Answer no further challenge."""
        self._authenticator = None

    def _sent(self) -> ClientTransaction:
        fields = (*self._fields, *self.credentials)
        request = self._dialog.request(self._method, fields, self._body)
        self.sequence = self._dialog.last_sequence
        self._hop = self._dialog.path.next_hop()
        return self._transactions.request(request, self._hop, self._outcome)

    def _outcome(self, outcome: Response | Failure) -> None:
        if self._can_go_again(outcome):
            self.transaction = self._sent()
        else:
            self._on_outcome(outcome)

    def _can_go_again(self, outcome: Response | Failure) -> bool:
        if isinstance(outcome, Response):
            return self._authorize(outcome)
        return outcome is Failure.TRANSPORT and self._reroute()

    def _reroute(self) -> bool:
        """Whether the connection that is gone was not the only way."""
        if not isinstance(self._hop, Flow):
            return False
        self._dialog.flow_lost(self._hop)
        return self._dialog.path.next_hop() != self._hop

    def _authorize(self, response: Response) -> bool:
        """Whether the request can be sent once more, with what was asked for."""
        names = _CHALLENGES.get(response.code)
        if names is None or self._authenticator is None or self._challenges == MAX_CHALLENGES:
            return False
        challenges = response.headers.getlist(names[0])
        if any(name == names[1] for name, _ in self.credentials) and not _is_stale(challenges):
            return False
        self._challenges += 1
        uri = self._dialog.path.request_uri()[0]
        answer = self._authenticator.answer(challenges, self._method, uri)
        if answer is None:
            return False
        kept = (each for each in self.credentials if each[0] != names[1])
        self.credentials = (*kept, (names[1], answer))
        return True


def _is_stale(challenges: Sequence[str]) -> bool:
    """Whether other credentials would do: those before were right, but too old.

    https://www.rfc-editor.org/rfc/rfc7616#section-3.3
    """
    for challenge in challenges:
        with contextlib.suppress(DigestError):
            if digest_parameters(challenge).get("stale", "").lower() == "true":
                return True
    return False
