"""The way that a call's packets take to its client and back, however it is found."""

from typing import Protocol

from antiphon_proto.address import Address
from antiphon_proto.stun import StunMessage


class MediaPath(Protocol):
    """What a transport and the routes ask: an `IceAgent`'s answers, or those of signaling.

    Hand it what was received and the time, then drain `take_datagrams`.
    """

    @property
    def revision(self) -> int:
        """Changes whenever `ufrags`, `known` or `bindings` may have."""
        ...

    @property
    def ufrags(self) -> tuple[bytes, ...]:
        """Our username fragments whose checks are answered."""
        ...

    @property
    def known(self) -> dict[Address, bool]:
        """The client's addresses, and whether each proved that the client is there."""
        ...

    @property
    def bindings(self) -> dict[Address, bool]:
        """What to claim at the relays, and whether the client confirmed that it is there."""
        ...

    @property
    def signalled(self) -> bool:
        """Whether `bindings` are what signaling said, and no check will ever prove it."""
        ...

    @property
    def selected(self) -> Address | None:
        """Where to send DTLS and media; None while that is not known, or not wanted."""
        ...

    @property
    def rtcp(self) -> Address | None:
        """Where to send RTCP: mostly `selected`."""
        ...

    @property
    def ready(self) -> bool:
        """Whether the transport may start: DTLS, or the use of signalled keys."""
        ...

    @property
    def rtt(self) -> float | None:
        """Seconds that a check to the selected address took, where there are checks."""
        ...

    def knows(self, client: Address) -> bool:
        """Whether the client may send from this address what is not authenticated by itself."""
        ...

    def expects(self, response: StunMessage, client: Address) -> bool:
        """Whether it may answer a check of ours to this address."""
        ...

    def consent_lost(self, now: float) -> bool:
        """Whether the client has been silent for so long that it must be gone."""
        ...

    def receive(self, message: StunMessage, size: int, client: Address, now: float) -> None:
        """Handle a STUN message from a datagram of `size` bytes."""
        ...

    def credit(self, size: int, client: Address) -> None:
        """A datagram of `size` bytes came from `client`: as much more may be sent there."""
        ...

    def spend(self, size: int, client: Address) -> bool:
        """Whether `size` bytes may leave for `client` now; if so, they are taken to have left."""
        ...

    def media_received(self, size: int, client: Address, now: float) -> bool:
        """The newest media of its source, authentic and `size` bytes long, came from `client`.

        Returns whether there are datagrams to send.
        """
        ...

    def rtcp_received(self, size: int, client: Address, now: float) -> bool:
        """The same of RTCP, where it goes apart from media or there is none of that."""
        ...

    def tick(self, now: float) -> None:
        """Send the checks that are due; forget what fell silent."""
        ...

    def take_datagrams(self) -> list[tuple[bytes, Address]]:
        """Hand over the datagrams to send since the last call."""
        ...
