"""A session that we begin.

https://www.rfc-editor.org/rfc/rfc3261#section-13.2
"""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

from sipmessage import Request, Response

from transceiver.sdp.offer_error import OfferError
from transceiver.sip.application import Invitation
from transceiver.sip.authorized_request import AuthorizedRequest
from transceiver.sip.dialog import Dialog, DialogError, Fields, routes_of, target_of
from transceiver.sip.extensions import ALLOW, RELIABLE, SUPPORTED
from transceiver.sip.flow import Flow
from transceiver.sip.header_list import header_tokens
from transceiver.sip.invite_session import EndedBy, Ending, InviteHandler
from transceiver.sip.message import number_of, tag_of
from transceiver.sip.message_body import SDP, BodyError, session_description
from transceiver.sip.session import Session
from transceiver.sip.session_environment import SessionEnvironment
from transceiver.sip.session_timer import MAX_INTERVAL_S
from transceiver.sip.transactions.client import ClientTransaction, Failure

MAX_EARLY_DIALOGS = 16


@dataclass(frozen=True, slots=True)
class _Answer:
    """To our offer."""

    tag: str
    """Of who gave it."""
    description: str
    is_final: bool


class OutgoingSession(Session):
    """Sends its INVITE when made. Raises OfferError if the handler has no offer."""

    def __init__(
        self,
        environment: SessionEnvironment,
        on_closed: Callable[[], None],
        invitation: Invitation,
        handler: InviteHandler,
        dialog: Dialog,
    ) -> None:
        """`dialog` is with whoever will answer: its To has no tag."""
        super().__init__(environment, invitation.call_id, invitation.authenticator, on_closed)
        self.handler = handler
        self._invitation = invitation
        self._wanted = dialog
        self._offer = handler.make_offer().encode()
        self._early: dict[str, Dialog] = {}
        self._reliable_numbers: dict[str, int] = {}
        self._answer: _Answer | None = None
        self._proceeding: ClientTransaction | None = None
        """The INVITE that there was a provisional response to."""
        self._cancelled: ClientTransaction | None = None
        self._asked_longer = False
        self._unanswered = environment.timers.after(
            invitation.ring_at_most_s, lambda: self._stop_calling(EndedBy.UNANSWERED)
        )
        self._invite: AuthorizedRequest = self._invited()

    def ring(self) -> None:
        """Is the peer's to say."""

    def progress(self) -> None:
        """Is the peer's to say."""

    def accept(self) -> None:
        """Is the peer's to say."""

    def reject(self, status: int) -> None:
        """Of one's own call means to hang up."""
        self.hang_up()

    def dialog_of(self, request: Request) -> Dialog | None:
        tag = tag_of(request.headers["From"])
        if self._dialog:
            return self._dialog if tag == self._dialog.remote_tag else None
        return self._early.get(tag)

    def _invited(self, timer: Fields | None = None) -> AuthorizedRequest:
        fields = (
            self._wanted.contact,
            ALLOW,
            SUPPORTED,
            *(self._timer.offer() if timer is None else timer),
            *self._invitation.headers,
            SDP,
        )
        return self._environment.request(
            self._wanted,
            "INVITE",
            self._outcome,
            fields=fields,
            body=self._offer,
            authenticator=self._authenticator,
        )

    def _outcome(self, outcome: Response | Failure) -> None:
        if isinstance(outcome, Failure):
            self._refused(outcome.value, EndedBy.UNANSWERED)
        elif outcome.code < 200:
            self._provisional(outcome)
        elif outcome.code < 300:
            self._accepted(outcome)
        elif outcome.code == 422 and not self._asked_longer and not self._is_ended:
            self._ask_longer(outcome)
        else:
            self._refused(outcome.code, EndedBy.REFUSED)

    # Before the answer.

    def _provisional(self, response: Response) -> None:
        self._proceeding = self._invite.transaction
        if self._is_ended:
            self._cancel()
            return
        if response.code == 100:
            return
        if dialog := self._early_dialog(response):
            self._acknowledge_provisional(response, dialog)
            self._take_answer(response, dialog.remote_tag)
        if not self._is_ended:
            self.handler.ringing(response.code)

    def _early_dialog(self, response: Response) -> Dialog | None:
        tag = tag_of(response.headers["To"])
        if not tag or (tag not in self._early and len(self._early) >= MAX_EARLY_DIALOGS):
            return None
        if tag not in self._early:
            try:
                self._early[tag] = self._dialog_with(response)
            except DialogError:
                return None
        return self._early[tag]

    def _dialog_with(self, response: Response) -> Dialog:
        try:
            target = target_of(response)
        except DialogError:
            # Who has no Contact, as of old, is where the INVITE went.
            target = self._wanted.path.target
        path = dataclasses.replace(
            self._wanted.path,
            target=target,
            routes=tuple(reversed(routes_of(response))),
            keeps_hop=isinstance(self._wanted.path.hop, Flow),
        )
        return Dialog.of_response(response, path, self._wanted)

    def _acknowledge_provisional(self, response: Response, dialog: Dialog) -> None:
        """https://www.rfc-editor.org/rfc/rfc3262#section-4"""
        number = number_of(response.headers.get("RSeq"))
        if number is None or not _is_reliable(response):
            return
        last = self._reliable_numbers.get(dialog.remote_tag)
        if last is not None and number != last + 1:
            return
        self._reliable_numbers[dialog.remote_tag] = number
        acknowledged = ("RAck", f"{number} {response.cseq.sequence} INVITE")
        self._environment.request(
            dialog,
            "PRACK",
            lambda _outcome: None,
            fields=(acknowledged,),
            authenticator=self._authenticator,
        )

    def _take_answer(self, response: Response, tag: str) -> bool:
        """Whether there is an answer to our offer. What was not sent reliably may still change:
        gateways that play a tone before they connect do that."""
        taken = self._answer if self._answer and self._answer.tag == tag else None
        try:
            description = session_description(response)
        except BodyError:
            description = None
        if description is None or (taken and (taken.is_final or taken.description == description)):
            return taken is not None
        is_final = response.code >= 200 or _is_reliable(response)
        self._answer = _Answer(tag, description, is_final)
        return self._answered_by(response)

    def _ask_longer(self, response: Response) -> None:
        """https://www.rfc-editor.org/rfc/rfc4028#section-7.3"""
        self._asked_longer = True
        seconds = str(min(number_of(response.headers.get("Min-SE")) or 0, MAX_INTERVAL_S))
        self._invite = self._invited((("Session-Expires", seconds), ("Min-SE", seconds)))

    # The answer.

    def _accepted(self, response: Response) -> None:
        try:
            dialog = self._confirmed_dialog(response)
        except DialogError:
            self._stop_calling(EndedBy.UNANSWERED)
            return
        self._environment.acknowledge(dialog, self._invite.sequence, self._invite.credentials)
        if dialog is self._dialog:
            return
        if self._is_ended or self._dialog:
            # Accepted though it was cancelled, or by another phone as well.
            self._dismiss(dialog)
            return
        self._begin(dialog, response)

    def _confirmed_dialog(self, response: Response) -> Dialog:
        tag = tag_of(response.headers["To"])
        if self._dialog and tag == self._dialog.remote_tag:
            return self._dialog
        early = self._early.get(tag)
        dialog = self._dialog_with(response)
        if early is None:
            return dialog
        early.path = dialog.path
        return early

    def _begin(self, dialog: Dialog, response: Response) -> None:
        self._unanswered.cancel()
        self._stand(dialog, owns_call_id=True)
        self._refresh.heard(response)
        if self._take_answer(response, dialog.remote_tag):
            self._timer.answered(response)
            self._establish()
        else:
            self._broken()

    def _dismiss(self, dialog: Dialog) -> None:
        if dialog.is_left:
            return
        dialog.is_left = True
        self._early[dialog.remote_tag] = dialog
        self._environment.request(
            dialog, "BYE", lambda _outcome: None, authenticator=self._authenticator
        )

    def _refused(self, status: int, by: EndedBy) -> None:
        self._unanswered.cancel()
        self._end(Ending(by, status))

    # Giving up.

    def _leave(self) -> None:
        if self._dialog:
            self._say_bye()
            return
        self._unanswered.cancel()
        self._invite.abandon()
        if self._proceeding is self._invite.transaction:
            self._cancel()

    def _stop_calling(self, by: EndedBy) -> None:
        if not self._is_ended:
            self._leave()
            self._end(Ending(by))

    def _cancel(self) -> None:
        """Not before a provisional response:
        https://www.rfc-editor.org/rfc/rfc3261#section-9.1"""
        if self._cancelled is not self._invite.transaction:
            self._cancelled = self._invite.transaction
            self._environment.cancel(self._invite)

    def _broken(self, error: OfferError | None = None) -> None:
        if self._dialog is None:
            self._stop_calling(EndedBy.US)
        else:
            super()._broken(error)


def _is_reliable(response: Response) -> bool:
    return RELIABLE in header_tokens(response.headers, "Require")
