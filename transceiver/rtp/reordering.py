"""Puts a stream's packets back in order, waiting as little as a listener can afford.

There is no playout clock on the way in: a packet that is next in order is
delivered at once. Only a gap makes its successors wait, for what is missing may
just be late; after `MAX_WAIT_S`, or with `MAX_HELD` packets of sound behind it, the gap is
given up.
"""

import enum
from collections import Counter
from dataclasses import dataclass, field

from transceiver.rtp.packet import RtpPacket

MAX_WAIT_S = 0.040
MAX_HELD = 3
MAX_HELD_PADDING = 32
"""Of packets without a payload, which come in bursts of some two dozen and do not tell how late
the missing one is."""


# https://www.rfc-editor.org/rfc/rfc3550#appendix-A.1 restarts after 3000 lost packets;
# what is further back than the SRTP replay window cannot be a late packet.
MAX_DROPOUT = 3000
MAX_MISORDER = 1024

FORMER_SOURCE_S = 1.0
"""How long after a change of SSRC stragglers of the former one are expected."""

_SEQUENCES = 1 << 16


class ReorderingDrop(enum.Enum):
    """Why a packet is not delivered."""

    LATE = "late"
    """What came after it was delivered already, or it was itself."""
    DUPLICATE = "duplicate"
    """It is being held already."""
    FORMER_SOURCE = "former_source"
    """It straggles in after the stream went on with another SSRC."""


@dataclass(slots=True)
class ReorderingCounts:
    """Packets that were given up or dropped."""

    lost: int = 0
    drops: Counter[ReorderingDrop] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Arrival:
    """A packet in its turn."""

    packet: RtpPacket
    waited_s: float
    """How long it was held back."""
    lost: int = 0
    """Packets missing directly before it, given up."""
    restarted: bool = False
    """The first of a stream: nothing relates it to what came before."""


@dataclass(slots=True)
class _Held:
    packet: RtpPacket
    received_at: float


class Reordering:
    """One stream's packets in order, each at most once."""

    def __init__(self, counts: ReorderingCounts | None = None) -> None:
        """`counts` may be shared by streams."""
        self.counts = ReorderingCounts() if counts is None else counts
        self._ssrc: int | None = None
        self._former_ssrc: int | None = None
        self._switched_at = 0.0
        self._next = 0
        self._held: dict[int, _Held] = {}

    @property
    def held(self) -> int:
        """Packets that wait behind a gap."""
        return len(self._held)

    def pass_through(self, packet: RtpPacket) -> bool:
        """Take a packet that is next in order while none is missing: it is in turn itself.

        False: it was not taken, and is one for `receive`.
        """
        if packet.sequence != self._next or packet.ssrc != self._ssrc or self._held:
            return False
        self._next = (self._next + 1) % _SEQUENCES
        return True

    def gap_before(self, packet: RtpPacket) -> int:
        """The places of the stream from the first that is missing to the packet's, 0 if
        it is that itself, comes late, or belongs to no stream that is under way."""
        ahead = (packet.sequence - self._next) % _SEQUENCES
        return ahead if packet.ssrc == self._ssrc and ahead < MAX_DROPOUT else 0

    def awaits(self, packet: RtpPacket) -> bool:
        """Whether this packet of the stream is missing, and not given up."""
        ahead = (packet.sequence - self._next) % _SEQUENCES
        return (
            packet.ssrc == self._ssrc and ahead < MAX_DROPOUT and packet.sequence not in self._held
        )

    def receive(self, packet: RtpPacket, now: float) -> list[Arrival]:
        """Take a packet; returns what is in turn."""
        if packet.ssrc != self._ssrc:
            return self._switch_source(packet, now)
        if self.pass_through(packet):
            return [Arrival(packet, 0.0)]
        ahead = (packet.sequence - self._next) % _SEQUENCES
        if ahead < MAX_DROPOUT:
            return self._hold(packet, now)
        if ahead >= _SEQUENCES - MAX_MISORDER:
            return self._drop(ReorderingDrop.LATE)
        return [*self._release_all(now), self._restart(packet)]

    def tick(self, now: float) -> list[Arrival]:
        """Give up a gap whose time has run out; returns what is then in turn."""
        return self._release(now) if self._held else []

    def _drop(self, reason: ReorderingDrop) -> list[Arrival]:
        self.counts.drops[reason] += 1
        return []

    def _switch_source(self, packet: RtpPacket, now: float) -> list[Arrival]:
        if packet.ssrc == self._former_ssrc and now - self._switched_at < FORMER_SOURCE_S:
            return self._drop(ReorderingDrop.FORMER_SOURCE)
        self._former_ssrc, self._ssrc, self._switched_at = self._ssrc, packet.ssrc, now
        return [*self._release_all(now), self._restart(packet)]

    def _restart(self, packet: RtpPacket) -> Arrival:
        self._next = (packet.sequence + 1) % _SEQUENCES
        return Arrival(packet, 0.0, restarted=True)

    def _hold(self, packet: RtpPacket, now: float) -> list[Arrival]:
        if packet.sequence in self._held:
            return self._drop(ReorderingDrop.DUPLICATE)
        self._held[packet.sequence] = _Held(packet, now)
        return self._release(now)

    def _release(self, now: float) -> list[Arrival]:
        """What is in turn, giving up gaps as long as the wait for them is over."""
        arrivals = self._release_in_order(now)
        while self._held and self._wait_is_over(now):
            arrivals += self._release_over_gap(now)
        return arrivals

    def _release_all(self, now: float) -> list[Arrival]:
        arrivals: list[Arrival] = []
        while self._held:
            arrivals += self._release_over_gap(now)
        return arrivals

    def _wait_is_over(self, now: float) -> bool:
        held = self._held.values()
        with_sound = sum(1 for each in held if each.packet.payload)
        if with_sound >= MAX_HELD or len(held) >= MAX_HELD_PADDING:
            return True
        return now - min(each.received_at for each in held) >= MAX_WAIT_S

    def _release_over_gap(self, now: float) -> list[Arrival]:
        lost = min((sequence - self._next) % _SEQUENCES for sequence in self._held)
        self._next = (self._next + lost) % _SEQUENCES
        self.counts.lost += lost
        return self._release_in_order(now, lost)

    def _release_in_order(self, now: float, lost: int = 0) -> list[Arrival]:
        arrivals: list[Arrival] = []
        while (held := self._held.pop(self._next, None)) is not None:
            arrivals.append(Arrival(held.packet, now - held.received_at, lost))
            self._next = (self._next + 1) % _SEQUENCES
            lost = 0
        return arrivals
