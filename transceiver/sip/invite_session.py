"""What a call knows of its signalling, and the signalling of its call.

https://www.rfc-editor.org/rfc/rfc3261#section-13
"""

from dataclasses import dataclass
from enum import Enum
from typing import Protocol


class EndedBy(Enum):
    """Who or what ended a session."""

    PEER = "peer"
    """BYE, or CANCEL before it was accepted."""
    REFUSED = "refused"
    """The peer's final answer to our INVITE is no 2xx: see `Ending.status`."""
    UNANSWERED = "unanswered"
    """The peer does not answer, or its connection is gone."""
    EXPIRED = "expired"
    """Nobody refreshed it: https://www.rfc-editor.org/rfc/rfc4028#section-10"""
    US = "us"


@dataclass(frozen=True, slots=True)
class Ending:
    """Why a session is over; `status` is the peer's, 0 where there is none."""

    by: EndedBy
    status: int = 0


class InviteHandler(Protocol):
    """A call, as its signalling sees it. Told on the worker's event loop; must not raise, but
    for what is said here."""

    def offered(self, sdp: str) -> str:
        """Answer an offer of the peer, the first or a later one. Raises OfferError: 488."""
        ...

    def make_offer(self) -> str:
        """What the session has now, or should have. Raises OfferError: it ends."""
        ...

    def answered(self, sdp: str) -> None:
        """The peer answered our offer. Raises OfferError, which ends the session."""
        ...

    def ringing(self, status: int) -> None:
        """A provisional answer to our INVITE came."""
        ...

    def established(self) -> None:
        """Our 2xx was acknowledged, or theirs came: the session stands."""
        ...

    def dtmf(self, digit: str) -> None:
        """By INFO: one of 0-9, *, #, A-D."""
        ...

    def transferred(self, status: int) -> None:
        """How a REFER of ours fares: https://www.rfc-editor.org/rfc/rfc3515#section-2.4.5"""
        ...

    def ended(self, ending: Ending) -> None:
        """The session is over, and says nothing more; said once, also for our own BYE."""
        ...


class InviteSession(Protocol):
    """One session by INVITE, either way; every method is harmless once it has ended, or where
    the session's state does not know it (to ring after it was accepted, ...)."""

    @property
    def call_id(self) -> str:
        """Ours (`rtc_...`), the user of our Contact; not the dialog's Call-ID."""
        ...

    @property
    def ended(self) -> bool: ...

    def ring(self) -> None:
        """180 to the peer's INVITE; with our offer where the peer has none and wants to
        acknowledge it. Raises OfferError as `accept` does."""
        ...

    def progress(self) -> None:
        """183 with the answer to the peer's offer (`InviteHandler.offered`): early media.

        Raises OfferError as `accept` does.
        """
        ...

    def accept(self) -> None:
        """200 to the peer's INVITE, with the answer to its offer (`InviteHandler.offered`), or
        with our offer where it has none.

        Raises OfferError when the handler does: the INVITE was then refused by 488.
        """
        ...

    def reject(self, status: int) -> None:
        """300 to 699 to the peer's INVITE."""
        ...

    def reinvite(self) -> None:
        """Offer again, by `InviteHandler.make_offer`."""
        ...

    def refer(self, target_uri: str) -> None:
        """Ask the peer to call there instead; ends the session once it did. Raises ValueError
        for what is no SIP, SIPS or tel URI."""
        ...

    def hang_up(self) -> None:
        """BYE, CANCEL, or 603, whichever the session's state asks for."""
        ...
