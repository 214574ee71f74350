"""The calls by SIP that come in: they ring until they are taken, refused, or given up.

    INVITE ──dial plan: reject──► refused
      │  └───dial plan: answer──────────────────┐
      ▼                                         ▼
    rings, and the application is told ──accept──► an engine is opened ──► 200, a `SipCall`
      └──reject, CANCEL, or nobody within MAX_RING_S──► over

https://platform.openai.com/docs/guides/realtime-sip
"""

import hashlib
import logging
from collections import Counter
from collections.abc import Callable, Coroutine
from contextlib import ExitStack
from functools import partial

from sipmessage import Request

from antiphon_proto.realtime import RealtimeSession
from chassis.logs import LoggedCall
from transceiver.close_reason import CloseReason
from transceiver.rtp_call_parts import RtpCallParts
from transceiver.sdp.agreed_media import MediaSecurity
from transceiver.sdp.offer_error import OfferError
from transceiver.sdp.signalled_peer import offered_security
from transceiver.signaling.api_keys import ApiKey
from transceiver.signaling.calls import (
    CallNotFoundError,
    CallRefusedError,
    NotAnsweredError,
    NotRingingError,
    NotSipError,
    RefusalReason,
)
from transceiver.signaling.errors import ApiError
from transceiver.signaling.key_usage import KeyUsage
from transceiver.sip.access import CurrentAccess
from transceiver.sip.application import Reply
from transceiver.sip.dial_plan import Announce, Answer, Reject, dialled
from transceiver.sip.flow import Flow
from transceiver.sip.gatekeeper import Caller
from transceiver.sip.invite_session import InviteHandler, InviteSession
from transceiver.sip.media_refusal import NOT_ACCEPTABLE, media_warning
from transceiver.sip.message_body import session_description
from transceiver.sip_calls.call_maker import SipCallMaker
from transceiver.sip_calls.ring_end import RingEnd
from transceiver.sip_calls.ringing_call import MAX_RING_S, Incoming, RingingCall
from transceiver.sip_calls.sip_call import SipCall
from transceiver.sip_calls.sip_peer import calling_peer
from transceiver.transport import Transport
from transceiver.webhooks.announcement import CallAnnouncer

logger = logging.getLogger(__name__)

MAX_RINGING = 256
"""Calls that wait for the application, at once."""
MAX_RINGING_OF_ONE = 128
"""Of one trunk or phone: the others can call, too."""

UNAVAILABLE = 480
BUSY = 486
NOT_FOUND = 404
SERVER_ERROR = 500
NO_SERVICE = 503
DECLINE = 603

Spawn = Callable[[Coroutine[None, None, None]], None]
"""Has it run beside all else."""


class IncomingCalls:
    """Of one worker: what the user agent says of calls that come in, and what the API asks."""

    def __init__(
        self,
        parts: RtpCallParts,
        maker: SipCallMaker,
        *,
        access: CurrentAccess,
        usage: KeyUsage,
        announcer: CallAnnouncer | None,
        spawn: Spawn,
        flush: Callable[[], None],
    ) -> None:
        """`announcer` tells the application of calls, if there is one; `flush` sends what is
        queued for the engines and the calls' peers."""
        self._table = parts.table
        self._maker = maker
        self._access = access
        self._usage = usage
        self._admission = parts.admission
        self._environment = parts.environment
        self._announcer = announcer
        self._spawn = spawn
        self._flush = flush
        self._ends: Counter[RingEnd] = parts.environment.counters.rang
        self._ringing: dict[str, RingingCall] = {}

    def __contains__(self, call_id: str) -> bool:
        return call_id in self._ringing

    def __len__(self) -> int:
        """How many ring."""
        return len(self._ringing)

    # ---- the user agent's side -----------------------------------------------

    def invited(
        self, request: Request, caller: Caller, flow: Flow, session: InviteSession
    ) -> InviteHandler | Reply:
        """Somebody calls."""
        offer = session_description(request)
        try:
            security = offered_security(offer) if offer else None
        except OfferError as error:
            call_id = session.call_id
            logger.info(
                "call %s: an offer was refused: %s",
                call_id,
                error.message,
                extra=LoggedCall(call_id).extra,
            )
            warning = media_warning(error)
            return self._turned_away(RingEnd.NOT_ACCEPTABLE, NOT_ACCEPTABLE, (warning,))
        action = self._access.now.config.dial_plan.action(request.uri, caller)
        if isinstance(action, Announce) and self._announcer is None:
            action = Reject(NOT_FOUND)
        if isinstance(action, Reject):
            return self._turned_away(RingEnd.REJECTED, action.status)
        payer = self.payer(caller)
        try:
            held = self._room(payer)
        except CallRefusedError as refusal:
            headers = (("Retry-After", str(refusal.retry_after_s)),)
            return self._turned_away(RingEnd.REFUSED, NO_SERVICE, headers)
        except ApiError:
            return self._turned_away(RingEnd.REFUSED, BUSY)
        incoming = Incoming(session.call_id, dialled(request.uri), offer, caller, flow, payer)
        ringing = self._ring(incoming, session, held)
        if isinstance(action, Answer):
            self._spawn(self._contained(ringing, self._answer(ringing, action)))
        else:
            announcing = self._announce(ringing, request, security)
            self._spawn(self._contained(ringing, announcing))
        return ringing

    def payer(self, caller: Caller) -> ApiKey:
        """Whose limits the calls of a trunk or a phone use up: like an API key of its own."""
        kind = "trunk" if caller.is_trunk else "phone"
        digest = hashlib.sha256(f"sip {kind} {caller.name}".encode()).digest()
        return ApiKey(digest, self._access.now.limits(caller))

    def _room(self, payer: ApiKey) -> ExitStack:
        """A place for one more call that rings. Raises CallRefusedError, ApiError."""
        theirs = sum(each.incoming.payer.digest == payer.digest for each in self._ringing.values())
        if len(self._ringing) >= MAX_RINGING or theirs >= MAX_RINGING_OF_ONE:
            raise self._admission.refusal(RefusalReason.AT_CAPACITY)
        self._admission.check(self._environment.counters.open.total() + len(self._ringing))
        return self._usage.begin_session(payer)

    def _turned_away(
        self, end: RingEnd, status: int, headers: tuple[tuple[str, str], ...] = ()
    ) -> Reply:
        self._ends[end] += 1
        return Reply(status, headers)

    def _ring(self, incoming: Incoming, session: InviteSession, held: ExitStack) -> RingingCall:
        def over(ringing: RingingCall, end: RingEnd) -> None:
            self._ends[end] += 1
            del self._ringing[ringing.incoming.call_id]
            if end is not RingEnd.ACCEPTED:
                held.close()

        ringing = RingingCall(
            incoming,
            session,
            held=held,
            rings_until=self._environment.clock() + MAX_RING_S,
            on_end=over,
        )
        self._ringing[incoming.call_id] = ringing
        return ringing

    async def _announce(
        self, ringing: RingingCall, request: Request, security: MediaSecurity | None
    ) -> None:
        if ringing.rings and self._announcer is not None:
            ringing.signaling.ring()
            self._announcer.announce(ringing.incoming.call_id, request, security)

    async def _answer(self, ringing: RingingCall, action: Answer) -> None:
        """The dial plan takes the call."""
        try:
            await self._take(ringing, action.session, action.greeting)
        except CallNotFoundError:
            pass  # The caller gave up.
        except OfferError:
            pass  # The caller was told.
        except CallRefusedError:
            ringing.reject(NO_SERVICE, RingEnd.REFUSED)

    async def _contained(self, ringing: RingingCall, step: Coroutine[None, None, None]) -> None:
        """A defect ends the call that met it, and no other."""
        try:
            await step
        except Exception:
            call_id = ringing.incoming.call_id
            logger.exception(
                "call %s failed while it rang", call_id, extra=LoggedCall(call_id).extra
            )
            ringing.reject(SERVER_ERROR, RingEnd.FAILED)

    async def _take(
        self, ringing: RingingCall, session: RealtimeSession, greeting: str | None = None
    ) -> None:
        """Raises CallNotFoundError, NotRingingError, CallRefusedError, OfferError."""
        incoming = ringing.incoming
        if ringing.taking:
            raise NotRingingError
        ringing.taking = True
        try:
            call, routed = await self._maker.open(
                incoming.call_id,
                session,
                calling_peer(incoming.caller, incoming.offer, incoming.flow),
                spend=partial(
                    self._usage.count_response, incoming.payer.fingerprint, incoming.payer
                ),
                on_end=ringing.held.close,
                greeting=greeting,
            )
        finally:
            ringing.taking = False
        if not ringing.rings:
            self._table.end(routed, CloseReason.CANCELLED)
            raise CallNotFoundError
        ringing.hand_over(call)
        try:
            call.answer()
        except OfferError:
            ringing.stop(RingEnd.NOT_ACCEPTABLE)
            self._table.end(routed, CloseReason.CANCELLED)
            raise
        ringing.stop(RingEnd.ACCEPTED)
        self._table.answered(routed)
        self._flush()

    # ---- the API's side ------------------------------------------------------

    async def accept(self, call_id: str, session: RealtimeSession) -> None:
        """Answer a call that rings; it rings on where that is refused for the moment.

        Raises CallNotFoundError, NotSipError, NotRingingError, CallRefusedError, and OfferError
        where its offer cannot be answered after all, which ends it.
        """
        await self._take(self._rings(call_id), session)

    def reject(self, call_id: str, status_code: int) -> None:
        """Raises CallNotFoundError, NotSipError, NotRingingError."""
        self._rings(call_id).reject(status_code)

    def refer(self, call_id: str, target_uri: str) -> None:
        """Raises CallNotFoundError, NotSipError, NotAnsweredError."""
        if call_id in self._ringing:
            raise NotAnsweredError
        call = self._table.find(call_id).call
        if not isinstance(call, SipCall):
            raise NotSipError
        call.refer(target_uri)

    def hang_up(self, call_id: str) -> None:
        """End a call that rings. Raises CallNotFoundError."""
        self._find(call_id).reject(DECLINE)

    def tick(self) -> None:
        """Give up on those that nobody takes; call it every second or so."""
        now = self._environment.clock()
        for ringing in list(self._ringing.values()):
            if now > ringing.rings_until and not ringing.taking:
                ringing.reject(UNAVAILABLE, RingEnd.TIMED_OUT)

    def close_all(self) -> None:
        """Refuse those that ring."""
        for ringing in list(self._ringing.values()):
            ringing.reject(NO_SERVICE, RingEnd.REFUSED)

    def _find(self, call_id: str) -> RingingCall:
        ringing = self._ringing.get(call_id)
        if ringing is None:
            raise CallNotFoundError
        return ringing

    def _rings(self, call_id: str) -> RingingCall:
        ringing = self._ringing.get(call_id)
        if ringing is not None:
            return ringing
        if self._table.find(call_id).call.TRANSPORT is Transport.SIP:
            raise NotRingingError
        raise NotSipError
