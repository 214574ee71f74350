"""What waits to leave to one relay worker, and in what datagrams."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from antiphon_proto.address import Address
from antiphon_proto.tunnel import HEADER_BYTES, Frame

MAX_DATAGRAM_BYTES = 1400
"""Of a tunnel datagram with several frames: no network in between has to fragment it."""

MAX_CONTROL_BYTES = 1150
"""Of control frames in one datagram; header, counter and MAC come on top."""

_FRAME_BYTES = 22
"""What a frame adds to its payload, at most."""


@dataclass(slots=True)
class TunnelPeer:
    """A relay worker, and the datagrams of clients' packets that wait to leave to it."""

    address: Address
    pinned: bool = False
    """Whether they leave from its leased ports, for which no sibling stands in. They are apart
    from the others, which the relay's compiled loop then has to itself."""
    datagrams: list[list[bytes]] = field(default_factory=list)
    """Their frames; all wait for the flush, as the announcements that go before them do."""
    room: int = 0
    """The bytes that another frame of the last one may have; none while none waits."""

    def begin(self) -> None:
        """Start another datagram."""
        self.datagrams.append([])
        self.room = MAX_DATAGRAM_BYTES - HEADER_BYTES


def by_size(frames: Iterable[Frame]) -> Iterator[list[Frame]]:
    """Control frames in as few datagrams as may hold them, in order."""
    datagram: list[Frame] = []
    room = MAX_CONTROL_BYTES
    for frame in frames:
        size = _FRAME_BYTES + len(frame.payload)
        if size > room and datagram:
            yield datagram
            datagram, room = [], MAX_CONTROL_BYTES
        datagram.append(frame)
        room -= size
    if datagram:
        yield datagram
