"""Calls by SIP that an application has made: `POST /v1/realtime/calls` with a `sip` target.

The engine is asked for first, so that nobody is called for whom there is none; it waits while
the other end rings. Whoever asked hears that the call is on its way; how it goes on, sidebands
hear.
"""

import secrets
from collections.abc import Awaitable, Callable
from functools import partial

from sipmessage import URI

from antiphon_proto.realtime import RealtimeSession
from transceiver.admission import why_unanswered
from transceiver.rtp_call_parts import RtpCallParts
from transceiver.signaling.api_keys import ApiKey
from transceiver.signaling.calls import WantedCall, WantedCallError
from transceiver.signaling.key_usage import KeyUsage
from transceiver.sip.access import CurrentAccess
from transceiver.sip.application import Invitation
from transceiver.sip.digest_client import DigestAuthenticator
from transceiver.sip.flow import Flow
from transceiver.sip.gatekeeper import Caller
from transceiver.sip.next_hop import NextHop
from transceiver.sip.registrations import Binding
from transceiver.sip.trunk import Trunk
from transceiver.sip.user_agent import UserAgent
from transceiver.sip_calls.call_maker import SipCallMaker
from transceiver.sip_calls.destination import Destination, destination
from transceiver.sip_calls.failed_calls import FailedCalls


class OutgoingCalls:
    """Of one worker; none is made before `begin`."""

    def __init__(
        self,
        parts: RtpCallParts,
        maker: SipCallMaker,
        *,
        access: CurrentAccess,
        usage: KeyUsage,
        payer: Callable[[Caller], ApiKey],
        flush: Callable[[], None],
    ) -> None:
        """`payer` is as in `IncomingCalls`; `flush` sends what the call has for its engine."""
        self._table = parts.table
        self._maker = maker
        self._mint = parts.mint
        self._access = access
        self._usage = usage
        self._environment = parts.environment
        self._payer = payer
        self._flush = flush
        self._agent: UserAgent | None = None
        self.failed = FailedCalls(parts.environment.clock)

    def begin(
        self,
        agent: UserAgent,
        registered: Callable[[str, float], list[Binding]],
        chosen_hop: Callable[[URI], Awaitable[NextHop]],
        host: str,
    ) -> None:
        """From here on calls are made by `agent`; `registered` knows where a phone is at a time,
        `chosen_hop` by which transport a URI is reached, `host` is ours in URIs."""
        self._agent = agent
        self._chosen_hop = chosen_hop
        self._registered = registered
        self._host = host

    async def place_call(
        self,
        wanted: WantedCall,
        session: RealtimeSession,
        key: ApiKey,
        on_end: Callable[[], None],
    ) -> str:
        """Call somebody for the holder of `key`; the call's id, once its INVITE is on its way.

        `on_end` is called when it is over. Raises WantedCallError, CallRefusedError, ApiError
        (429) beyond the limits of the trunk or the phone; `on_end` is not called then.
        """
        agent = self._agent
        if agent is None:
            raise WantedCallError("SIP is not served here.", "sip")
        place = self._destination(wanted)
        hop = await self._hop(place)
        held = self._usage.begin_session(self._payer(place.payer))

        def over() -> None:
            held.close()
            on_end()

        try:
            return await self._invite(agent, place, hop, wanted, session, key, over)
        except BaseException:
            held.close()
            raise

    async def _invite(
        self,
        agent: UserAgent,
        place: Destination,
        hop: Flow | NextHop,
        wanted: WantedCall,
        session: RealtimeSession,
        key: ApiKey,
        on_end: Callable[[], None],
    ) -> str:
        call, routed = await self._maker.open(
            self._mint.call_id(),
            session,
            place.peer,
            spend=partial(self._usage.count_response, key.fingerprint, key),
            on_end=on_end,
            greeting=wanted.greeting,
        )
        call.on_failed = partial(self.failed.keep, call.call_id)
        try:
            invitation = Invitation(
                call_id=call.call_id,
                target=place.target,
                caller=place.caller,
                hop=hop,
                authenticator=_authenticator(place.trunk),
                headers=place.headers,
                ring_at_most_s=wanted.ring_s,
            )
            call.attach(agent.invite(invitation, call))
        except BaseException as error:
            routed.on_end = None
            self._table.end(routed, why_unanswered(error))
            raise
        self._table.answered(routed)
        self._flush()
        return call.call_id

    def _destination(self, wanted: WantedCall) -> Destination:
        now = self._environment.clock()
        return destination(
            wanted, self._access.now, lambda user: self._registered(user, now), self._host
        )

    async def _hop(self, place: Destination) -> Flow | NextHop:
        """Raises WantedCallError."""
        if isinstance(place.hop, Flow):
            return place.hop
        try:
            return await self._chosen_hop(place.hop)
        except ValueError as error:
            raise WantedCallError("No transport leads there.", "sip.to") from error


def _authenticator(trunk: Trunk | None) -> DigestAuthenticator | None:
    if trunk is None or trunk.login is None:
        return None
    return DigestAuthenticator(trunk.login, secrets.token_bytes)
