"""Our requests that keep a session from expiring.

https://www.rfc-editor.org/rfc/rfc4028#section-7.4
"""

from collections.abc import Callable

from sipmessage import Request, Response

from transceiver.sip.application import Authenticator
from transceiver.sip.dialog import Dialog
from transceiver.sip.extensions import SUPPORTED
from transceiver.sip.header_list import header_tokens
from transceiver.sip.session_environment import SessionEnvironment
from transceiver.sip.session_timer import SessionTimer
from transceiver.sip.transactions.client import Outcome, ends_dialog, status_of


class SessionRefresh:
    """By UPDATE where the peer allows that, which needs no offer; else by INVITE."""

    def __init__(
        self,
        environment: SessionEnvironment,
        timer: SessionTimer,
        authenticator: Authenticator | None,
        reinvite: Callable[[], None],
        gone: Callable[[], None],
    ) -> None:
        self._environment = environment
        self._timer = timer
        self._authenticator = authenticator
        self._reinvite = reinvite
        self._gone = gone
        self._peer_allows_update = False

    def heard(self, message: Request | Response) -> None:
        """The peer may say what it allows."""
        if allowed := header_tokens(message.headers, "Allow"):
            self._peer_allows_update = "update" in allowed

    def send(self, dialog: Dialog) -> None:
        if not self._peer_allows_update:
            self._reinvite()
            return
        self._environment.request(
            dialog,
            "UPDATE",
            self._answered,
            fields=(dialog.contact, SUPPORTED, *self._timer.offer()),
            authenticator=self._authenticator,
        )

    def _answered(self, outcome: Outcome) -> None:
        if ends_dialog(outcome):
            self._gone()
        elif isinstance(outcome, Response) and 200 <= outcome.code < 300:
            self._timer.answered(outcome)
        elif (status := status_of(outcome)) >= 300 and status != 491:
            # What meets an offer of the peer's is refreshed by that.
            self._reinvite()
