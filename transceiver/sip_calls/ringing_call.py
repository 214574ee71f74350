"""Somebody calls by SIP: what the call is until somebody has it taken."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

from transceiver.sdp.offer_error import OfferError, OfferFault
from transceiver.signaling.api_keys import ApiKey
from transceiver.sip.flow import Flow
from transceiver.sip.gatekeeper import Caller
from transceiver.sip.invite_session import Ending, InviteSession
from transceiver.sip_calls.ring_end import RingEnd
from transceiver.sip_calls.sip_call import SipCall

MAX_RING_S = 60.0
"""As long as the application is told of it: see `webhooks.delivery`."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """What is known of a call that comes in."""

    call_id: str
    number: str
    """Whom it is for: a telephone number, or the user of a URI."""
    offer: str | None
    """The SDP of the INVITE; None leaves the offer to us."""
    caller: Caller
    flow: Flow
    payer: ApiKey
    """Whose limits it uses up."""


class RingingCall:
    """The `InviteHandler` of a call that comes in: in place of a call, until there is one."""

    def __init__(
        self,
        incoming: Incoming,
        signaling: InviteSession,
        *,
        held: ExitStack,
        rings_until: float,
        on_end: Callable[["RingingCall", RingEnd], None],
    ) -> None:
        """`held` is its place among its payer's sessions; `on_end` is called once, when it rings
        no more."""
        self.incoming = incoming
        self.signaling = signaling
        self.held = held
        self.rings_until = rings_until
        self.taking = False
        """Whether somebody is about to take it."""
        self._call: SipCall | None = None
        self._on_end: Callable[[RingingCall, RingEnd], None] | None = on_end

    @property
    def rings(self) -> bool:
        return self._on_end is not None

    def hand_over(self, call: SipCall) -> None:
        """All that its signaling says is for `call` from here on."""
        self._call = call
        call.attach(self.signaling)

    def stop(self, end: RingEnd) -> None:
        """It rings no more; harmless when it does not."""
        on_end, self._on_end = self._on_end, None
        if on_end is not None:
            on_end(self, end)

    def reject(self, status: int, end: RingEnd = RingEnd.REJECTED) -> None:
        """Refuse it by a status of 300 to 699."""
        self.stop(end)
        self.signaling.reject(status)

    # ---- its signaling: InviteHandler ----------------------------------------

    def offered(self, sdp: str) -> str:
        return self._taken().offered(sdp)

    def make_offer(self) -> str:
        return self._taken().make_offer()

    def answered(self, sdp: str) -> None:
        self._taken().answered(sdp)

    def ringing(self, status: int) -> None:
        """It is us who ring."""

    def established(self) -> None:
        if self._call is not None:
            self._call.established()

    def dtmf(self, digit: str) -> None:
        if self._call is not None:
            self._call.dtmf(digit)

    def transferred(self, status: int) -> None:
        if self._call is not None:
            self._call.transferred(status)

    def ended(self, ending: Ending) -> None:
        self.stop(RingEnd.ABANDONED)
        if self._call is not None:
            self._call.ended(ending)

    def _taken(self) -> SipCall:
        """Raises OfferError while there is nobody to negotiate."""
        if self._call is None:
            raise OfferError(OfferFault.TRANSPORT_CHANGED, "the call was not taken yet")
        return self._call
