"""A SIP user agent without sockets: transactions, dialogs and sessions of one worker.

Bytes come in by `receive`, and go out by the function given; nothing else happens but
what `tick` brings when `due_at` has come.

https://www.rfc-editor.org/rfc/rfc3261#section-8
"""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from enum import Enum

from sipmessage import Request, Response

from transceiver.sip.application import Application, Invitation, Names, Reply, SentBy
from transceiver.sip.dialog import Dialog, DialogError
from transceiver.sip.dialog_maker import DialogMaker
from transceiver.sip.extensions import ACCEPT, ALLOW, SUPPORTED, accepts_sdp
from transceiver.sip.flow import Flow, SipTransport
from transceiver.sip.gatekeeper import Caller, Gatekeeper, Refusal, Silence, Verdict
from transceiver.sip.general_refusal import general_refusal
from transceiver.sip.incoming_session import IncomingSession
from transceiver.sip.invite_session import InviteHandler, InviteSession
from transceiver.sip.message import MessageError, parse_message, tag_of, top_via
from transceiver.sip.next_hop import NextHop
from transceiver.sip.outgoing_session import OutgoingSession
from transceiver.sip.response_header import mark_source, reply_flow
from transceiver.sip.session import Session
from transceiver.sip.session_environment import SessionEnvironment
from transceiver.sip.stateless_response import stateless_response
from transceiver.sip.timers import Timers
from transceiver.sip.transactions.invite_server import InviteServerTransaction
from transceiver.sip.transactions.server import ServerTransaction
from transceiver.sip.transactions.table import TransactionTable

Send = Callable[[bytes, Flow | NextHop], None]
"""Must not raise, nor call back before it returns; what could not be sent is told by
`UserAgent.undeliverable`."""


class Unheard(Enum):
    """Why a message had no effect and no answer."""

    MALFORMED = "malformed"
    """No SIP, or a request of somebody unknown that breaks its rules."""
    UNKNOWN_CALLER = "unknown_caller"
    STRAY_RESPONSE = "stray_response"
    """Of a transaction that there is not, or is over."""
    STRAY_ACK = "stray_ack"
    OVERLOADED = "overloaded"
    """There are too many transactions already: of all, of its source, or of its call."""


class UserAgent:
    """One for each worker; times are by `clock`, in seconds."""

    def __init__(
        self,
        application: Application,
        gatekeeper: Gatekeeper,
        names: Names,
        sent_by: Callable[[SipTransport], SentBy],
        send: Send,
        *,
        clock: Callable[[], float],
        random: Callable[[], float],
    ) -> None:
        """`random` gives numbers from 0 up to 1."""
        self._application = application
        self._gatekeeper = gatekeeper
        self._names = names
        self._dialogs = DialogMaker(sent_by, gatekeeper.may_reach)
        self._send = send
        self._timers = Timers(clock)
        self._transactions = TransactionTable(send, self._timers, names, sent_by)
        self._environment = SessionEnvironment(self._transactions, self._timers, random)
        self._sessions: dict[tuple[str, str], Session] = {}
        """By Call-ID and our tag."""

    @property
    def due_at(self) -> float:
        """When `tick` has something to do; infinity if never."""
        return self._timers.due_at

    @property
    def session_count(self) -> int:
        return len(self._sessions)

    @property
    def transaction_count(self) -> int:
        return len(self._transactions)

    def tick(self) -> None:
        """Do what is due."""
        self._timers.tick()

    def receive(self, data: bytes, flow: Flow) -> Unheard | None:
        """Take one whole message; None when it was understood."""
        try:
            message = parse_message(data)
        except MessageError as error:
            return self._malformed(error, flow)
        if isinstance(message, Response):
            return None if self._transactions.received(message) else Unheard.STRAY_RESPONSE
        mark_source(message, flow)
        if message.method == "ACK":
            return None if self._acknowledged(message) else Unheard.STRAY_ACK
        if known := self._transactions.find(message):
            known.repeated()
            return None
        if not self._transactions.has_room(message, flow):
            return Unheard.OVERLOADED
        if message.method == "CANCEL":
            return self._cancelled(message, flow)
        found = self._session_of(message)
        return self._received(message, flow, *found) if found else self._asked(message, flow)

    def flow_lost(self, flow: Flow) -> None:
        """A connection is gone: what waits for answers by it need not wait longer."""
        self._transactions.flow_lost(flow)
        for session in list(self._sessions.values()):
            session.flow_lost(flow)

    def undeliverable(self, data: bytes) -> None:
        """A request that `send` was given cannot be sent: nobody is there, or by that name."""
        try:
            message = parse_message(data)
            branch = top_via(message.headers).parameters.get("branch") or ""
        except ValueError:
            return
        if isinstance(message, Request):
            self._transactions.undeliverable(branch, message.method)

    def invite(self, invitation: Invitation, handler: InviteHandler) -> InviteSession:
        """Call somebody, with `handler.make_offer`. Raises OfferError if that does."""
        tag = self._names.tag()
        dialog = self._dialogs.with_called(invitation, tag)
        key = dialog.call_id, tag
        session = OutgoingSession(
            self._environment, lambda: self._close(key), invitation, handler, dialog
        )
        self._sessions[key] = session
        return session

    def hang_up_all(self) -> None:
        """End every session, as before the worker ends."""
        for session in list(self._sessions.values()):
            session.hang_up()

    # Requests in dialogs.

    def _session_of(self, request: Request) -> tuple[Session, Dialog] | None:
        headers = request.headers
        session = self._sessions.get((headers["Call-ID"], tag_of(headers["To"])))
        dialog = session.dialog_of(request) if session else None
        return (session, dialog) if session and dialog else None

    def _received(
        self, request: Request, flow: Flow, session: Session, dialog: Dialog
    ) -> Unheard | None:
        with self._answered(request, flow) as transaction:
            if refusal := general_refusal(request):
                transaction.respond(refusal.status, refusal.headers)
            else:
                session.received(request, dialog, transaction)
        return None

    @contextlib.contextmanager
    def _answered(self, request: Request, flow: Flow) -> Iterator[ServerTransaction]:
        """A transaction that a defect does not leave without an answer, for then it had no end."""
        transaction = self._transactions.serve(request, flow)
        try:
            yield transaction
        except Exception:
            transaction.respond(500)
            raise

    def _acknowledged(self, ack: Request) -> bool:
        invite = self._transactions.find(ack)
        if isinstance(invite, InviteServerTransaction) and invite.status >= 300:
            invite.acknowledged()
            return True
        found = self._session_of(ack)
        return found is not None and found[0].acknowledged(ack)

    def _cancelled(self, cancel: Request, flow: Flow) -> Unheard | None:
        invite = self._transactions.find(cancel, "INVITE")
        # Branches are no secret: some peers count them.
        if invite is None or invite.flow.remote[0] != flow.remote[0]:
            # It must not be challenged: https://www.rfc-editor.org/rfc/rfc3261#section-22.1
            if not isinstance(self._judge(cancel, flow), Caller):
                return Unheard.UNKNOWN_CALLER
            self._respond(cancel, flow, 481)
            return None
        transaction = self._transactions.serve(cancel, flow)
        transaction.to_tag = invite.to_tag
        transaction.respond(200)
        session = self._sessions.get((cancel.headers["Call-ID"], invite.to_tag))
        if isinstance(session, IncomingSession):
            session.cancelled()
        return None

    # Requests that begin something.

    def _asked(self, request: Request, flow: Flow) -> Unheard | None:
        verdict = self._judge(request, flow)
        if isinstance(verdict, Silence):
            return Unheard.UNKNOWN_CALLER
        if isinstance(verdict, Refusal):
            self._respond(request, flow, verdict.status, verdict.headers)
        elif tag_of(request.headers["To"]):
            self._respond(request, flow, 481)
        elif self._transactions.is_merged(request):
            self._respond(request, flow, 482)
        else:
            self._let_in(request, verdict, flow)
        return None

    def _let_in(self, request: Request, caller: Caller, flow: Flow) -> None:
        if refusal := general_refusal(request):
            self._respond(request, flow, refusal.status, refusal.headers)
        elif request.method == "OPTIONS":
            self._respond(request, flow, 200, (ALLOW, SUPPORTED, ACCEPT))
        elif request.method not in ("INVITE", "REGISTER"):
            self._respond(request, flow, 481)
        else:
            with self._answered(request, flow) as transaction:
                self._begun(transaction, caller)

    def _begun(self, transaction: ServerTransaction, caller: Caller) -> None:
        if isinstance(transaction, InviteServerTransaction):
            transaction.respond(100)
            reply = self._invited(transaction, caller)
        else:
            reply = self._application.registered(transaction.request, caller, transaction.flow)
        if reply is not None:
            transaction.respond(reply.status, reply.headers)

    def _invited(self, transaction: InviteServerTransaction, caller: Caller) -> Reply | None:
        """Why there is no session; None if there is one."""
        request, flow = transaction.request, transaction.flow
        if not accepts_sdp(request):
            return Reply(406)
        tag, call_id = transaction.to_tag, self._names.call_id()
        try:
            dialog = self._dialogs.with_caller(
                request, tag, call_id, flow, keeps_hop=not caller.is_trunk
            )
        except DialogError:
            return Reply(400)
        return self._begin(transaction, caller, call_id, dialog)

    def _begin(
        self, transaction: InviteServerTransaction, caller: Caller, call_id: str, dialog: Dialog
    ) -> Reply | None:
        request = transaction.request
        key = dialog.call_id, transaction.to_tag
        session = IncomingSession(
            self._environment, call_id, lambda: self._close(key), dialog, transaction
        )
        try:
            handler = self._application.invited(request, caller, transaction.flow, session)
        except Exception:
            session.discard()
            raise
        if isinstance(handler, Reply):
            session.discard()
            return handler
        session.handler = handler
        self._sessions[key] = session
        return None

    # Whom nobody knows.

    def _judge(self, request: Request, flow: Flow) -> Verdict:
        return self._gatekeeper.judge(request, flow, self._timers.now())

    def _malformed(self, error: MessageError, flow: Flow) -> Unheard | None:
        request = error.request
        if request is None or request.method == "ACK":
            return Unheard.MALFORMED
        try:
            is_known = isinstance(self._judge(request, flow), Caller)
        except (KeyError, ValueError):
            is_known = False
        if not is_known:
            return Unheard.MALFORMED
        mark_source(request, flow)
        self._respond(request, flow, error.status)
        return None

    def _respond(
        self, request: Request, flow: Flow, status: int, fields: Iterable[tuple[str, str]] = ()
    ) -> None:
        response = stateless_response(request, status, fields)
        self._send(response, reply_flow(top_via(request.headers), flow))

    # Sessions of ours.

    def _close(self, key: tuple[str, str]) -> None:
        self._sessions.pop(key, None)
