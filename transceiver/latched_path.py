"""The way to a peer behind a leased port of a relay: from where its packets come there.

The relay lets only those packets through that may be the peer's. The first that comes is
taken for it, as are later ones from elsewhere that keys authenticate.
"""

from collections.abc import Callable

from antiphon_proto.address import Address
from antiphon_proto.stun import StunMessage
from transceiver.signalled_path import SILENCE_S


class LatchedPath:
    """Where to send media; the lease holds the address, so that there is nothing to bind."""

    revision = 0
    ufrags: tuple[bytes, ...] = ()
    rtt = None
    signalled = False

    def __init__(self, latch: Callable[[Address], None]) -> None:
        """`latch` takes each address at which the peer is from then on."""
        self._latch = latch
        self.ready = False
        """Whether it is known what protects the peer's packets."""
        self.expectant = True
        """Whether the peer is to send media: otherwise its silence means nothing."""
        self._address: Address | None = None
        self._heard_at: float | None = None
        """Or first awaited."""

    @property
    def selected(self) -> Address | None:
        return self._address

    @property
    def rtcp(self) -> Address | None:
        """One port is latched: RTCP goes there, too."""
        return self._address

    @property
    def known(self) -> dict[Address, bool]:
        return {}

    @property
    def bindings(self) -> dict[Address, bool]:
        return {}

    def knows(self, client: Address) -> bool:
        return self._address is None or client == self._address

    def expects(self, _response: StunMessage, _client: Address) -> bool:
        return False

    def release(self) -> None:
        """The peer says that it is elsewhere: what comes first tells."""
        self._address = None

    def expect(self, expectant: bool, now: float) -> None:
        """Whether the peer is to send media from now on."""
        if expectant and not self.expectant:
            self._heard_at = now
        self.expectant = expectant

    def consent_lost(self, now: float) -> bool:
        since = self._heard_at
        return self.expectant and since is not None and now - since > SILENCE_S

    def receive(self, message: StunMessage, size: int, client: Address, now: float) -> None:
        """STUN has no effect without ICE."""

    def credit(self, size: int, client: Address) -> None:
        if self._address is None:
            self._use(client)

    def spend(self, size: int, client: Address) -> bool:
        return client == self._address

    def media_received(self, size: int, client: Address, now: float) -> bool:
        self._heard_at = now
        if client != self._address:
            self._use(client)
        return False

    def rtcp_received(self, size: int, client: Address, now: float) -> bool:
        """It may come from a port of its own, where media is not awaited."""
        self._heard_at = now
        return False

    def tick(self, now: float) -> None:
        if self._heard_at is None and self.ready:
            self._heard_at = now

    def take_datagrams(self) -> list[tuple[bytes, Address]]:
        return []

    def _use(self, client: Address) -> None:
        self._address = client
        self._latch(client)
