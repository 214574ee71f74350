"""What signaling needs from the rest of the transceiver, and how it may be refused."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from antiphon_proto.realtime.session import RealtimeSession
from chassis.host_port import HostPort
from transceiver.resumption.continuity import TakenUp
from transceiver.resumption.resume_token import Origin
from transceiver.sideband import Sideband
from transceiver.signaling.api_keys import ApiKey


@dataclass(frozen=True, slots=True)
class CreatedCall:
    """A call that waits for its client's media."""

    call_id: str
    answer_sdp: str


@dataclass(frozen=True, slots=True)
class WantedCall:
    """Whom to call by SIP, and how."""

    to: str
    """A number, a phone's user, or a URI of SIP or of a telephone."""
    caller: str | None = None
    """Number or user that the other end is shown; the trunk's own by default."""
    trunk: str | None = None
    """By which trunk; none need be named for a phone, or where there is one only."""
    greeting: str | None = None
    """Instructions of a response that begins the call once it is answered."""
    ring_s: float = 60.0


class WantedCallError(Exception):
    """Nobody can be called so."""

    def __init__(self, message: str, param: str) -> None:
        """`param` is the member of the request that is at fault."""
        super().__init__(message)
        self.message = message
        self.param = param


class RefusalReason(Enum):
    """Why no call can be taken at the moment."""

    RATE_LIMITED = "rate_limit_exceeded"
    AT_CAPACITY = "at_capacity"
    OVERLOADED = "overloaded"
    DRAINING = "draining"
    ENGINE_UNAVAILABLE = "engine_unavailable"


class CallRefusedError(Exception):
    """The offer is good, but the call cannot be taken now; worth another try later."""

    def __init__(self, reason: RefusalReason, retry_after_s: int = 1) -> None:
        super().__init__(reason.value)
        self.reason = reason
        self.retry_after_s = retry_after_s


class CallNotFoundError(Exception):
    """There is no such call, or none any more."""


class NotRingingError(Exception):
    """The call was taken, or is about to be: it rings no more."""


class NotAnsweredError(Exception):
    """The call still rings."""


class NotSipError(Exception):
    """The call did not come by SIP, which alone can do what was asked for."""


class CallFactory(Protocol):
    """Makes, changes and ends calls."""

    async def create_call(
        self,
        offer_sdp: str,
        session: RealtimeSession,
        creator: bytes | None,
        on_end: Callable[[], None],
        origin: Origin | None = None,
        taken_up: TakenUp | None = None,
        relay: HostPort | None = None,
    ) -> CreatedCall:
        """Answer an offer; the call remembers the `creator`: see `Caller.secret_digest`.

        `on_end` is called when the call that was made is over. Who made it, its resume token
        says; `taken_up` is the conversation that it goes on with. The client is told to send to
        `relay`, if there is one that is better for it than the usual one.

        Raises OfferError for an offer that cannot be answered, RealtimeError for a
        session that cannot be served, CallRefusedError when there is no room.
        """
        ...

    async def place_call(
        self,
        wanted: WantedCall,
        session: RealtimeSession,
        key: ApiKey,
        on_end: Callable[[], None],
    ) -> str:
        """Call somebody by SIP; the call's id, once it is on its way. `key` pays for it.

        `on_end` is called when it is over. Raises WantedCallError, CallRefusedError, ApiError
        (429).
        """
        ...

    def creator(self, call_id: str) -> bytes | None:
        """What the call remembers of who made it. Raises CallNotFoundError."""
        ...

    def renegotiate(self, call_id: str, offer_sdp: str, relay: HostPort | None = None) -> str:
        """Answer a later offer of the call's client; the call goes on whatever comes of it.

        `relay` is as for `create_call`; without one the client is told of the same as before.

        Raises CallNotFoundError, OfferError for an offer that the call cannot follow,
        CallRefusedError when they come too often.
        """
        ...

    def sideband(self, call_id: str) -> Sideband:
        """One more connection to a call. Raises CallNotFoundError, AudienceFullError."""
        ...

    async def accept(self, call_id: str, session: RealtimeSession) -> None:
        """Answer a call that rings.

        Raises CallNotFoundError, NotSipError, NotRingingError, CallRefusedError, OfferError.
        """
        ...

    def reject(self, call_id: str, status_code: int) -> None:
        """Refuse a call that rings. Raises CallNotFoundError, NotSipError, NotRingingError."""
        ...

    def refer(self, call_id: str, target_uri: str) -> None:
        """Send a call's other end elsewhere. Raises CallNotFoundError, NotSipError,
        NotAnsweredError."""
        ...

    def hang_up(self, call_id: str) -> None:
        """End a call. Raises CallNotFoundError."""
        ...
