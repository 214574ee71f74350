"""The way to a peer without ICE, as far as it is the same however it is found."""

from antiphon_proto.address import Address
from antiphon_proto.stun import StunMessage

SILENCE_S = 60.0
"""After so long without media or reports, while the peer is to send, it is gone."""


class UncheckedPath:
    """A `MediaPath` without connectivity checks: a peer that is there is one that is heard."""

    ufrags: tuple[bytes, ...] = ()
    rtt = None

    def __init__(self) -> None:
        self._expectant = True
        """Whether the peer is to send media: otherwise its silence means nothing."""
        self._heard_at: float | None = None
        """Or first awaited."""

    def expect(self, expectant: bool, now: float) -> None:
        """Whether the peer is to send media from now on."""
        if expectant and not self._expectant:
            self._heard_at = now
        self._expectant = expectant

    def consent_lost(self, now: float) -> bool:
        since = self._heard_at
        return self._expectant and since is not None and now - since > SILENCE_S

    def expects(self, _response: StunMessage, _client: Address) -> bool:
        return False

    def receive(self, message: StunMessage, size: int, client: Address, now: float) -> None:
        """STUN has no effect without ICE."""

    def take_datagrams(self) -> list[tuple[bytes, Address]]:
        return []
