"""A session by INVITE, as far as it is the same for who calls and who is called.

https://www.rfc-editor.org/rfc/rfc3261#section-13
"""

import logging
from collections.abc import Callable

from sipmessage import Request, Response

from chassis.logs import LoggedCall
from transceiver.sdp.offer_error import OfferError
from transceiver.sip.acceptance import Acceptance
from transceiver.sip.application import Authenticator
from transceiver.sip.dialog import Dialog
from transceiver.sip.extensions import ACCEPT, ALLOW, SUPPORTED
from transceiver.sip.flow import Flow
from transceiver.sip.invite_session import EndedBy, Ending, InviteHandler
from transceiver.sip.media_refusal import NOT_ACCEPTABLE, media_warning
from transceiver.sip.message_body import SDP, BodyError, dtmf_digit, session_description
from transceiver.sip.referral import Referral
from transceiver.sip.reinvitation import Reinvitation, Standing
from transceiver.sip.session_environment import SessionEnvironment
from transceiver.sip.session_refresh import SessionRefresh
from transceiver.sip.session_timer import SessionTimer
from transceiver.sip.transactions.invite_server import InviteServerTransaction
from transceiver.sip.transactions.server import ServerTransaction

logger = logging.getLogger(__name__)

_MAX_RETRY_AFTER_S = 10
_DTMF_TYPES = ("Accept", "application/dtmf-relay, application/dtmf")


class Session:
    """Implements InviteSession, but for what begins one."""

    handler: InviteHandler
    """Given before anything is received or said."""

    def __init__(
        self,
        environment: SessionEnvironment,
        call_id: str,
        authenticator: Authenticator | None,
        on_closed: Callable[[], None],
    ) -> None:
        """`on_closed` is told once there is nothing left to receive."""
        self.call_id = call_id
        self._environment = environment
        self._authenticator = authenticator
        self._on_closed = on_closed
        self._dialog: Dialog | None = None
        self._timer = SessionTimer(environment.timers, self._refresh_due, self._expire)
        self._refresh = SessionRefresh(
            environment, self._timer, authenticator, self.reinvite, self._expire
        )
        self._acceptance: Acceptance | None = None
        self._reinvitation: Reinvitation | None = None
        self._referral: Referral | None = None
        self._is_ended = False
        self._is_established = False

    @property
    def ended(self) -> bool:
        return self._is_ended

    def reinvite(self) -> None:
        if self._reinvitation and not self._is_ended:
            self._reinvitation.want()

    def refer(self, target_uri: str) -> None:
        if self._dialog and self._is_established and not self._is_ended:
            self._referral = Referral(
                self._environment, self._dialog, target_uri, self._authenticator, self._referred
            )

    def hang_up(self) -> None:
        if not self._is_ended:
            self._leave()
            self._end(Ending(EndedBy.US))

    # What subclasses say.

    def _leave(self) -> None:
        """Tell the peer that it is over, by what the state asks for."""
        raise NotImplementedError

    def flow_lost(self, flow: Flow) -> None:
        """A connection is gone, maybe this session's."""
        if self._dialog:
            self._dialog.flow_lost(flow)

    def dialog_of(self, request: Request) -> Dialog | None:
        """The dialog that a request is in, if it is one of this session."""
        raise NotImplementedError

    def _offer_under_way(self) -> int:
        """491 where an offer of ours is unanswered, 500 where one of the peer's is, else 0."""
        if self._reinvitation and self._reinvitation.is_pending:
            return 491
        return 491 if self._acceptance and self._acceptance.is_offer else 0

    def _acknowledged_provisional(self, request: Request, transaction: ServerTransaction) -> None:
        """A PRACK came."""
        transaction.respond(481)

    # Requests of the peer.

    def received(self, request: Request, dialog: Dialog, transaction: ServerTransaction) -> None:
        """A request that `general_refusal` lets through, in `dialog`, which is `dialog_of` it."""
        if not dialog.takes(request) or (self._is_ended and request.method != "BYE"):
            transaction.respond(481 if self._is_ended else 500)
            return
        dialog.reached_by(transaction.flow)
        match request.method:
            case "BYE":
                self._bye_received(transaction)
            case "INVITE":
                self._reinvited(request, dialog, transaction)
            case "UPDATE":
                self._updated(request, dialog, transaction)
            case "PRACK":
                self._acknowledged_provisional(request, transaction)
            case "INFO":
                self._informed(request, transaction)
            case "NOTIFY":
                heard = self._referral is not None and self._referral.notified(request)
                transaction.respond(200 if heard else 481)
            case "OPTIONS":
                transaction.respond(200, (ALLOW, SUPPORTED, ACCEPT))
            case _:
                # A REFER: the agent calls nobody at its caller's wish.
                transaction.respond(603)

    def acknowledged(self, ack: Request) -> bool:
        """Whether an ACK is for the 2xx that was sent last."""
        acceptance = self._acceptance
        if acceptance is None or ack.cseq.sequence != acceptance.sequence:
            return False
        self._settle(acceptance)
        if self._is_ended:
            self._say_bye()
            self._on_closed()
        elif not acceptance.is_offer or self._answered_by(ack):
            self._establish()
        return True

    def _bye_received(self, transaction: ServerTransaction) -> None:
        transaction.respond(200)
        if self._acceptance:
            self._settle(self._acceptance)
        if self._is_ended:
            self._on_closed()
        self._end(Ending(EndedBy.PEER))

    def _reinvited(self, request: Request, dialog: Dialog, transaction: ServerTransaction) -> None:
        assert isinstance(transaction, InviteServerTransaction)
        refusal = 500 if self._reinvitation is None else self._offer_under_way()
        if self._is_ended or refusal:
            self._refuse_for_now(transaction, refusal or 481)
            return
        if self._acceptance:
            # Its sender has had our 2xx, though the ACK was lost.
            self._settle(self._acceptance)
            self._establish()
        self._refresh.heard(request)
        theirs = session_description(request)
        try:
            ours = self.handler.make_offer() if theirs is None else self.handler.offered(theirs)
        except OfferError as error:
            self._refuse_media(transaction, error)
            return
        dialog.retargeted(request)
        self._accept(request, dialog, transaction, ours, is_offer=theirs is None)

    def _updated(self, request: Request, dialog: Dialog, transaction: ServerTransaction) -> None:
        """https://www.rfc-editor.org/rfc/rfc3311#section-5.2"""
        self._refresh.heard(request)
        theirs = session_description(request)
        ours = ""
        if theirs is not None:
            if refusal := self._offer_under_way():
                self._refuse_for_now(transaction, refusal)
                return
            try:
                ours = self.handler.offered(theirs)
            except OfferError as error:
                self._refuse_media(transaction, error)
                return
        dialog.retargeted(request)
        fields = (dialog.contact, ALLOW, SUPPORTED, *self._timer.answer(request))
        transaction.respond(200, (*fields, SDP) if ours else fields, ours.encode())

    def _informed(self, request: Request, transaction: ServerTransaction) -> None:
        digit = dtmf_digit(request)
        if digit is None and request.body:
            transaction.respond(415, (_DTMF_TYPES,))
            return
        transaction.respond(200)
        if digit is not None and not self._is_ended:
            self.handler.dtmf(digit)

    def _refuse_media(self, transaction: ServerTransaction, error: OfferError) -> None:
        self._log("an offer was refused", error)
        transaction.respond(NOT_ACCEPTABLE, (media_warning(error),))

    def _log(self, what: str, error: OfferError) -> None:
        call = LoggedCall(self.call_id)
        logger.info("call %s: %s: %s", self.call_id, what, error.message, extra=call.extra)

    def _refuse_for_now(self, transaction: ServerTransaction, status: int) -> None:
        """https://www.rfc-editor.org/rfc/rfc3261#section-14.2"""
        seconds = int(self._environment.random() * _MAX_RETRY_AFTER_S)
        transaction.respond(status, (("Retry-After", str(seconds)),) if status == 500 else ())

    # What becomes of the session.

    def _accept(
        self,
        request: Request,
        dialog: Dialog,
        transaction: InviteServerTransaction,
        description: str | None,
        *,
        is_offer: bool,
    ) -> None:
        fields = (dialog.contact, ALLOW, SUPPORTED, *self._timer.answer(request))
        self._acceptance = Acceptance(
            transaction,
            self._environment.timers,
            fields,
            description,
            self._unacknowledged,
            is_offer=is_offer,
        )

    def _stand(self, dialog: Dialog, *, owns_call_id: bool) -> None:
        """There is a dialog that further offers can be made in."""
        standing = Standing(
            dialog=dialog,
            handler=self.handler,
            timer=self._timer,
            authenticator=self._authenticator,
            owns_call_id=owns_call_id,
            is_busy=lambda: self._acceptance is not None or not self._is_established,
            gone=self._gone,
            broken=self._broken,
        )
        self._dialog = dialog
        self._reinvitation = Reinvitation(self._environment, standing)

    def _establish(self) -> None:
        if not self._is_established:
            self._is_established = True
            self.handler.established()
        if self._reinvitation:
            self._reinvitation.proceed()

    def _settle(self, acceptance: Acceptance) -> None:
        acceptance.stop()
        self._acceptance = None

    def _unacknowledged(self) -> None:
        self._acceptance = None
        self._say_bye()
        if self._is_ended:
            self._on_closed()
        self._end(Ending(EndedBy.UNANSWERED))

    def _answered_by(self, message: Request | Response) -> bool:
        """Take the answer to an offer of ours; without it the session ends."""
        try:
            description = session_description(message)
            if description is None:
                self._broken()
                return False
            self.handler.answered(description)
        except BodyError:
            self._broken()
        except OfferError as error:
            self._broken(error)
        return not self._is_ended

    def _refresh_due(self) -> None:
        if self._dialog:
            self._refresh.send(self._dialog)

    def _referred(self, status: int) -> None:
        if self._is_ended:
            return
        self.handler.transferred(status)
        if status == 200:
            self.hang_up()

    def _expire(self) -> None:
        self._finish(EndedBy.EXPIRED)

    def _gone(self) -> None:
        self._finish(EndedBy.UNANSWERED)

    def _broken(self, error: OfferError | None = None) -> None:
        """The two cannot agree, maybe since an offer or an answer is of no use."""
        if error is not None:
            self._log("an answer is of no use", error)
        self._finish(EndedBy.US)

    def _finish(self, by: EndedBy) -> None:
        if not self._is_ended:
            self._leave()
            self._end(Ending(by))

    def _say_bye(self) -> None:
        """Not before the ACK, which is waited for:
        https://www.rfc-editor.org/rfc/rfc3261#section-15"""
        if self._dialog and self._acceptance is None:
            self._environment.request(
                self._dialog, "BYE", lambda _outcome: None, authenticator=self._authenticator
            )

    def _end(self, ending: Ending) -> None:
        if self._is_ended:
            return
        self._is_ended = True
        self._timer.stop()
        if self._reinvitation:
            self._reinvitation.stop()
        if self._acceptance is None:
            self._on_closed()
        self.handler.ended(ending)
