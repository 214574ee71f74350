"""What signaling needs from the rest of the transceiver, and how it may be refused."""

from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from antiphon_proto.realtime.session import RealtimeSession


@dataclass(frozen=True, slots=True)
class CreatedCall:
    """A call that waits for its client's media."""

    call_id: str
    answer_sdp: str


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


class CallFactory(Protocol):
    """Makes and ends calls."""

    async def create_call(self, offer_sdp: str, session: RealtimeSession) -> CreatedCall:
        """Answer an offer.

        Raises OfferError for an offer that cannot be answered, RealtimeError for a
        session that cannot be served, CallRefusedError when there is no room.
        """
        ...

    async def hang_up(self, call_id: str) -> bool:
        """End a call; False when there is no such call."""
        ...
