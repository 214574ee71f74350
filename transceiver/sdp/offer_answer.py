"""The offers and answers of one SIP session, either way: https://www.rfc-editor.org/rfc/rfc3264"""

from collections.abc import Callable
from dataclasses import dataclass

from antiphon_proto.address import Address
from transceiver.audio.format import Codec
from transceiver.fingerprint import Fingerprint
from transceiver.ice import IceCredentials
from transceiver.sdp.agreed_media import AgreedMedia, MediaSecurity


@dataclass(frozen=True, slots=True)
class LocalMedia:
    """Our side of a session, the same in all its offers and answers."""

    address: Address
    """An IP address and a port, the relay's public ones or those of a leased port."""
    fingerprint: Fingerprint
    mint: Callable[[], IceCredentials]
    random_bytes: Callable[[int], bytes]
    """n unpredictable bytes: for keys, and for the numbers in `o=`."""
    ice: bool = True
    """Whether to answer ICE, and to offer it where `OfferedMedia` says so; not behind a
    leased port."""


@dataclass(frozen=True, slots=True)
class OfferedMedia:
    """What our own first offer is to have."""

    security: MediaSecurity = MediaSecurity.NONE
    ice: bool = False
    codecs: tuple[Codec, ...] = (Codec.OPUS, Codec.PCMU, Codec.PCMA)
    """The most wanted first."""


class OfferAnswer:
    """A session's negotiation; nothing of what was agreed changes when a step fails."""

    def __init__(self, local: LocalMedia, offered: OfferedMedia | None = None) -> None:
        self._local = local
        self._offered = OfferedMedia() if offered is None else offered

    @property
    def agreed(self) -> AgreedMedia | None:
        """The latest agreement; None before the first."""
        raise NotImplementedError

    def answer(self, offer: str) -> str:
        """The answer to an offer of the peer, the first or a later one. Raises OfferError."""
        raise NotImplementedError

    def offer(self) -> str:
        """An offer of ours: of what is agreed, or else of all that `OfferedMedia` says."""
        raise NotImplementedError

    def accept(self, answer: str) -> None:
        """The peer's answer to the latest `offer`. Raises OfferError."""
        raise NotImplementedError


def signalled_address(sdp: str) -> Address | None:
    """Where a peer without ICE wants its media; None with ICE, on hold, and for what is none."""
    raise NotImplementedError


def offered_security(sdp: str) -> MediaSecurity:
    """How an offer's media is to be protected. Raises OfferError."""
    raise NotImplementedError


def is_behind_nat(signalled: Address, came_from: str) -> bool:
    """Whether a peer whose signaling came from this host cannot be reached where it says.

    It is private where its signaling is not, or is another address than that.
    """
    raise NotImplementedError
