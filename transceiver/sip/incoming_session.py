"""A session that a peer begins.

https://www.rfc-editor.org/rfc/rfc3261#section-13.3
"""

import contextlib
import functools
from collections.abc import Callable

from sipmessage import Request

from transceiver.sdp.offer_error import OfferError
from transceiver.sip.dialog import Dialog
from transceiver.sip.extensions import ALLOW, RELIABLE, knows_extension, requires
from transceiver.sip.flow import Flow
from transceiver.sip.invite_session import EndedBy, Ending
from transceiver.sip.media_refusal import NOT_ACCEPTABLE
from transceiver.sip.message import number_of, tag_of
from transceiver.sip.message_body import SDP, BodyError, session_description
from transceiver.sip.reliable_provisionals import ReliableProvisionals
from transceiver.sip.session import Session
from transceiver.sip.session_environment import SessionEnvironment
from transceiver.sip.transactions.invite_server import InviteServerTransaction
from transceiver.sip.transactions.server import ServerTransaction

MAX_EXPIRES_S = 3600
"""How long anybody is kept waiting for an answer, whatever the call thinks."""


class IncomingSession(Session):
    """Begun by the INVITE of `transaction`, to which nothing was said yet but 100."""

    def __init__(
        self,
        environment: SessionEnvironment,
        call_id: str,
        on_closed: Callable[[], None],
        dialog: Dialog,
        transaction: InviteServerTransaction,
    ) -> None:
        super().__init__(environment, call_id, None, on_closed)
        self._early = dialog
        self._transaction = transaction
        self._invite = transaction.request
        self._offer = session_description(transaction.request)
        self._ours: str | None = None
        """Our answer; our offer where the peer has none."""
        self._was_changed = False
        """Another offer was answered since."""
        self._awaits_answer = False
        """Our offer went in a reliable provisional response, and is not answered."""
        self._is_acceptable = False
        """To be accepted as soon as the peer has our provisional responses."""
        self._provisionals = ReliableProvisionals(
            transaction, environment.timers, environment.random, self._provisional_lost
        )
        self._refresh.heard(self._invite)
        expires = number_of(self._invite.headers.get("Expires"))
        self._expiry = environment.timers.after(
            MAX_EXPIRES_S if expires is None else min(expires, MAX_EXPIRES_S), self._expired
        )

    @property
    def _is_open(self) -> bool:
        return not (self._is_ended or self._transaction.answered or self._is_acceptable)

    def discard(self) -> None:
        """The application wants none of it: nothing happened yet."""
        self._expiry.cancel()

    def ring(self) -> None:
        if self._is_open:
            self._provisional(180, None)

    def progress(self) -> None:
        if not self._is_open:
            return
        if self._offer is not None:
            self._provisional(183, self._answer())
        else:
            self._provisional(183, None)

    def accept(self) -> None:
        if not self._is_open:
            return
        if self._offer is not None:
            self._answer()
        self._is_acceptable = True
        self._accept_when_acknowledged()

    def reject(self, status: int) -> None:
        if self._is_open or (self._is_acceptable and not self._transaction.answered):
            self._refuse(status)
            self._end(Ending(EndedBy.US))

    def cancelled(self) -> None:
        """https://www.rfc-editor.org/rfc/rfc3261#section-9.2"""
        if not self._transaction.answered:
            self._refuse(487)
            self._end(Ending(EndedBy.PEER))

    def flow_lost(self, flow: Flow) -> None:
        """Nobody can be told any more that we accept, if we did not yet."""
        super().flow_lost(flow)
        if self._transaction.flow == flow and not self._transaction.answered:
            self._refuse(480)
            self._end(Ending(EndedBy.UNANSWERED))

    def _expired(self) -> None:
        """https://www.rfc-editor.org/rfc/rfc3261#section-13.3.1"""
        if self._is_open:
            self._refuse(487)
            self._end(Ending(EndedBy.PEER))

    def dialog_of(self, request: Request) -> Dialog | None:
        is_peer = tag_of(request.headers["From"]) == self._early.remote_tag
        return self._early if is_peer else None

    def _leave(self) -> None:
        if self._transaction.answered:
            self._say_bye()
        else:
            self._refuse(603)

    def _bye_received(self, transaction: ServerTransaction) -> None:
        if not self._transaction.answered:
            self._refuse(487)
        super()._bye_received(transaction)

    def _offer_under_way(self) -> int:
        if self._awaits_answer:
            return 491
        if not self._transaction.answered and (
            self._ours is None or self._provisionals.holds_description
        ):
            return 500
        return super()._offer_under_way()

    def _updated(self, request: Request, dialog: Dialog, transaction: ServerTransaction) -> None:
        super()._updated(request, dialog, transaction)
        if request.body and transaction.status == 200:
            self._was_changed = True

    def _refuse(self, status: int) -> None:
        self._stop_waiting()
        self._transaction.respond(status)

    def _stop_waiting(self) -> None:
        self._expiry.cancel()
        self._provisionals.stop()

    def _answer(self) -> str:
        """Our answer to the offer, always the same. Raises OfferError, when all is over."""
        if self._ours is None:
            assert self._offer is not None
            self._ours = self._negotiated(functools.partial(self.handler.offered, self._offer))
        return self._ours

    def _negotiated(self, step: Callable[[], str]) -> str:
        try:
            return step()
        except OfferError as error:
            self._end_for(error)
            raise

    def _end_for(self, error: OfferError) -> None:
        self._stop_waiting()
        self._refuse_media(self._transaction, error)
        self._end(Ending(EndedBy.US, NOT_ACCEPTABLE))

    def _provisional(self, status: int, description: str | None) -> None:
        fields = (self._early.contact, ALLOW)
        reliably = requires(self._invite, RELIABLE) or (
            description is not None and knows_extension(self._invite, RELIABLE)
        )
        if not reliably:
            body = (description or "").encode()
            self._transaction.respond(status, (*fields, SDP) if body else fields, body)
            return
        if self._offer is None and self._ours is None:
            # "the UAS MUST include an offer in the first reliable provisional":
            # https://www.rfc-editor.org/rfc/rfc3262#section-5
            description = self._ours = self._negotiated(self.handler.make_offer)
            self._awaits_answer = True
        self._provisionals.send(status, fields, description)

    def _acknowledged_provisional(self, request: Request, transaction: ServerTransaction) -> None:
        if not self._provisionals.acknowledge(request):
            transaction.respond(481)
            return
        try:
            description = session_description(request)
            if self._awaits_answer:
                self._awaits_answer = False
                transaction.respond(200)
                if description is None or not self._answered_by(request):
                    self._broken()
            elif description is None:
                transaction.respond(200)
            else:
                answer = self.handler.offered(description)
                self._was_changed = True
                transaction.respond(200, (SDP,), answer.encode())
        except BodyError:
            transaction.respond(415)
        except OfferError as error:
            self._refuse_media(transaction, error)
        self._provisionals.proceed()
        with contextlib.suppress(OfferError):
            self._accept_when_acknowledged()

    def _provisional_lost(self) -> None:
        """https://www.rfc-editor.org/rfc/rfc3262#section-3"""
        if not self._transaction.answered:
            self._refuse(504)
            self._end(Ending(EndedBy.UNANSWERED))

    def _accept_when_acknowledged(self) -> None:
        if self._is_ended or not self._is_acceptable or self._provisionals.holds_description:
            return
        if self._transaction.answered:
            return
        self._stop_waiting()
        offers = self._offer is None and self._ours is None
        description = None if self._was_changed else self._ours
        if offers:
            description = self._negotiated(self.handler.make_offer)
        elif self._offer is None:
            # It was offered, and answered, before.
            description = None
        self._accept(self._invite, self._early, self._transaction, description, is_offer=offers)
        self._stand(self._early, owns_call_id=False)

    def _broken(self, error: OfferError | None = None) -> None:
        if self._is_ended or self._transaction.answered:
            super()._broken(error)
        elif error is not None:
            self._end_for(error)
        else:
            self._refuse(NOT_ACCEPTABLE)
            self._end(Ending(EndedBy.US, NOT_ACCEPTABLE))
