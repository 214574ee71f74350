"""The way to a peer without ICE: the address that its SDP names.

Nobody has proved that the peer is there, so that an admitted caller could name somebody
else's address: it gets media for `UNHEARD_S` and, until something has come from there, no more;
naming another one meanwhile prolongs nothing. Where keys authenticate media that comes from
elsewhere, as after a NAT rebinding, the peer is there from then on.
"""

from antiphon_proto.address import Address
from transceiver.unchecked_path import UncheckedPath

UNHEARD_S = 10.0
"""How long media goes to an address that nothing ever came from."""


class SignalledPath(UncheckedPath):
    """Where to send media and RTCP, and from where they are taken; there are no checks."""

    signalled = True

    def __init__(self, address: Address | None, rtcp: Address | None, now: float) -> None:
        """None where the peer wants nothing now."""
        super().__init__()
        self.revision = 0
        self._signalled = address, rtcp
        self._address, self._rtcp = address, rtcp
        self._heard: set[Address] = set()
        self._unheard_until: float | None = None
        """When there is no more for an address that nothing came from; from the first on that
        was sent there."""
        self._now = now

    @property
    def ready(self) -> bool:
        return self._address is not None

    @property
    def selected(self) -> Address | None:
        return self._address

    @property
    def rtcp(self) -> Address | None:
        return self._rtcp

    @property
    def known(self) -> dict[Address, bool]:
        addresses = (self._address, self._rtcp)
        return {each: each in self._heard for each in addresses if each is not None}

    @property
    def bindings(self) -> dict[Address, bool]:
        """Also before anything came: relays would let nothing through to it otherwise. What came
        confirms nothing, for there was no check that it answers."""
        return dict.fromkeys(self.known, False)

    def knows(self, client: Address) -> bool:
        return client in (self._address, self._rtcp)

    def move(self, address: Address | None, rtcp: Address | None, now: float) -> None:
        """The peer has signalled where it is, there or elsewhere."""
        if (address, rtcp) == self._signalled:
            return
        if self._heard:
            self._unheard_until = None
        self._signalled = address, rtcp
        self._address, self._rtcp = address, rtcp
        self._heard &= self.known.keys()
        self._heard_at = None
        self.revision += 1

    def credit(self, size: int, client: Address) -> None:
        if client not in self._heard and self.knows(client):
            self._heard.add(client)
            self.revision += 1

    def spend(self, size: int, client: Address) -> bool:
        if self._heard_at is None:
            self._heard_at = self._now
        if self._heard:
            return True
        if self._unheard_until is None:
            self._unheard_until = self._now + UNHEARD_S
        return self._now <= self._unheard_until

    def media_received(self, size: int, client: Address, now: float) -> bool:
        self._heard_at = now
        if not self.knows(client):
            self._follow(client)
        self.credit(size, client)
        return False

    def rtcp_received(self, size: int, client: Address, now: float) -> bool:
        if self._rtcp == self._address:
            return self.media_received(size, client, now)
        self._heard_at = now
        if not self.knows(client):
            self._rtcp = client
        self.credit(size, client)
        return False

    def tick(self, now: float) -> None:
        self._now = now

    def _follow(self, client: Address) -> None:
        """Authentic media came from elsewhere; RTCP on the same port comes from there, too."""
        if self._rtcp == self._address:
            self._rtcp = client
        self._address = client
        self._heard &= self.known.keys()
