"""Our wish that the peer call somebody else, and what becomes of it.

https://www.rfc-editor.org/rfc/rfc3515
"""

from collections.abc import Callable

from sipmessage import Request, Response

from transceiver.sip.application import Authenticator
from transceiver.sip.dialog import Dialog
from transceiver.sip.header_list import parse_uri
from transceiver.sip.message_body import content_type, fragment_status
from transceiver.sip.session_environment import SessionEnvironment
from transceiver.sip.transactions.client import Outcome, status_of

ACCEPTED = 202


class Referral:
    """A REFER, sent when made, and the NOTIFYs that follow it."""

    def __init__(
        self,
        environment: SessionEnvironment,
        dialog: Dialog,
        target: str,
        authenticator: Authenticator | None,
        on_status: Callable[[int], None],
    ) -> None:
        """`on_status` is told how the peer fares, at last by 200 or more. Raises ValueError for a
        target that is no SIP, SIPS or tel URI."""
        parse_uri(target)
        self.is_over = False
        self._on_status = on_status
        fields = (dialog.contact, ("Refer-To", f"<{target}>"), ("Referred-By", dialog.local_uri))
        self._request = environment.request(
            dialog, "REFER", self._answered, fields=fields, authenticator=authenticator
        )

    def notified(self, request: Request) -> bool:
        """Whether a NOTIFY is about this."""
        event, *parameters = (request.headers.get("Event") or "").replace(" ", "").split(";")
        ids = [each.partition("=")[2] for each in parameters if each.startswith("id=")]
        if event.lower() not in ("refer", "r") or self.is_over:
            return False
        if ids and ids[0] != str(self._request.sequence):
            return False
        if content_type(request) == "message/sipfrag":
            status = fragment_status(request.body)
            if status is not None:
                self._tell(status)
        return True

    def _answered(self, outcome: Outcome) -> None:
        status = status_of(outcome)
        if status >= 300:
            self._tell(status)
        elif isinstance(outcome, Response) and _has_no_subscription(outcome):
            self.is_over = True
            self._on_status(ACCEPTED)

    def _tell(self, status: int) -> None:
        if not self.is_over:
            self.is_over = status >= 200
            self._on_status(status)


def _has_no_subscription(response: Response) -> bool:
    """The peer will not say how it went: https://www.rfc-editor.org/rfc/rfc4488"""
    return (response.headers.get("Refer-Sub") or "").strip().lower().startswith("false")
