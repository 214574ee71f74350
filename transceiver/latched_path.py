"""The way to a peer behind a leased port of a relay: from where its packets come there.

The relay lets only those packets through that may be the peer's. The first that comes is
taken for it, as are later ones from elsewhere that keys authenticate.
"""

from collections.abc import Callable

from antiphon_proto.address import Address
from transceiver.unchecked_path import UncheckedPath


class LatchedPath(UncheckedPath):
    """Where to send media; the lease holds the address, so that there is nothing to bind."""

    revision = 0
    signalled = False

    def __init__(self, latch: Callable[[Address], None]) -> None:
        """`latch` takes each address at which the peer is from then on."""
        super().__init__()
        self._latch = latch
        self.ready = False
        """Whether it is known what protects the peer's packets."""
        self._address: Address | None = None

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

    def release(self) -> None:
        """The peer says that it is elsewhere: what comes first tells."""
        self._address = None

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

    def _use(self, client: Address) -> None:
        self._address = client
        self._latch(client)
