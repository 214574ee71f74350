"""What a relay remembers of clients, as the router uses it.

Two tables keep to it: `flow_table.FlowTable` in plain Python, the reference, and
`fast.flow_table.FastFlowTable`, in memory that the fast path reads. Times are
seconds of one monotonic clock.
"""

from binascii import crc32
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Protocol

from antiphon_proto.address import Address
from antiphon_proto.tunnel_control import Bind

if TYPE_CHECKING:
    from relay.table_snapshot import TableSnapshot

PROVISIONAL_SECONDS = 60
"""How long an address is remembered after an authenticated check, without an owner's word."""

AMPLIFICATION_LIMIT = 3
"""Bytes sent to a provisional address for each byte that came from it.

https://www.rfc-editor.org/rfc/rfc9000#section-8
"""

REBINDING_CREDIT = 512
"""Received bytes that an unconfirmed binding starts with: the media that made its owner bind
it came before there was a flow to count it."""

SSRC_PACKETS_PER_SECOND = 100
"""Packets from unknown addresses that one announced SSRC may bring its owner, and the burst;
twice what a voice sends, so a NAT rebinding loses none and a flood costs only itself."""

MAX_BIND_SSRCS = 8
"""SSRCs of one binding that are remembered; the rest are ignored."""


NO_EPOCH = 0
"""The life of an owner that no binding named: a check's ufrag does not tell."""

NO_UFRAG = 0
"""The mark of a flow that no verified check was seen of."""


def ufrag_mark(ufrag: bytes) -> int:
    """A number that tells a flow's ufrag from another, never `NO_UFRAG`.

    It only spares the relay to verify what it verified before: a ufrag made to have the
    same mark is sent to the flow's owner, which verifies every check.
    """
    return crc32(ufrag) + 1


class FlowState(Enum):
    """Who vouches for a client's address."""

    PROVISIONAL = "provisional"
    """An authenticated check came from there, or its owner is still checking it."""
    BOUND = "bound"
    """Its owner said that the client answered a check there."""
    SIGNALLED = "signalled"
    """Its owner was told by signaling that the client is there: bound, but that whoever answers
    another owner's check there takes it over."""


@dataclass(frozen=True, slots=True)
class Flow:
    """Where the datagrams of one client address go."""

    owner: Address
    state: FlowState
    ufrag_mark: int
    """Of the last verified check's ufrag; `NO_UFRAG` before one."""


class Admission(Enum):
    """What became of an authenticated check's source address, or of a binding."""

    ACCEPTED = "accepted"
    CONFLICT = "conflict"
    """Another owner holds the address: nothing changed."""
    FULL = "full"
    """The table holds nothing but bound flows, or refuses new ones: nothing changed."""


class SsrcVerdict(Enum):
    """Why an SSRC leads to no owner."""

    UNKNOWN = "unknown"
    LIMITED = "limited"


@dataclass(frozen=True, slots=True)
class FlowSnapshot:
    """One flow, to hand to another process; seconds count from the moment it was taken."""

    client: Address
    owner: Address
    epoch: int
    """Of the owner's life that bound it; `NO_EPOCH` when none did."""
    state: FlowState
    seconds_left: int
    ufrag_mark: int
    received: int
    """Bytes from and to a provisional address."""
    sent: int


@dataclass(frozen=True, slots=True)
class SsrcSnapshot:
    """One announced SSRC, to hand to another process."""

    ssrc: int
    owner: Address
    epoch: int
    seconds_left: int


class Flows(Protocol):
    """The table; every method is O(1) but the last four."""

    @property
    def bound(self) -> int:
        """Bound flows, signalled ones and the expired that were not swept yet among them."""

    @property
    def provisional(self) -> int: ...

    @property
    def ssrcs(self) -> int: ...

    @property
    def evictions(self) -> int:
        """Provisional flows given up because the table was full."""

    def find(self, client: Address, now: float) -> Flow | None:
        """The live flow of `client`."""

    def received(self, client: Address, size: int) -> None:
        """`size` bytes from `client` were forwarded; a provisional flow may send more."""

    def may_send(self, client: Address, size: int, now: float) -> bool:
        """Whether `size` bytes may go to `client`, and counts them; always but beyond the
        allowance of a provisional flow."""

    def check_verified(
        self,
        client: Address,
        owner: Address,
        ufrag: bytes,
        size: int,
        now: float,
        *,
        open_new: bool,
    ) -> Admission:
        """An authenticated check of `size` bytes, for `owner`, came from `client`.

        Opens or repoints a provisional flow and credits it with the bytes; a bound one of
        the same owner learns the ufrag. CONFLICT: bound to another. FULL: no room, or
        there is no flow and `open_new` is false.
        """

    def bind(
        self, client: Address, owner: Address, epoch: int, bind: Bind, now: float
    ) -> Admission:
        """An owner, in its life `epoch`, claims `client`; its SSRCs are noted too."""

    def unbind(self, client: Address, owner: Address) -> None:
        """`owner` gives `client` up; nothing happens when it does not hold it."""

    def reset(self, owner: Address, epoch: int) -> None:
        """What lives of `owner` other than `epoch` bound is void."""

    def follow_ssrc(self, ssrc: int, now: float) -> Address | SsrcVerdict:
        """The owner to whom a packet from an unknown address may go, which uses up one."""

    def sweep(self, now: float) -> None:
        """Forget what expired; bounded work, call about once a second."""

    def owners(self, now: float) -> Iterable[tuple[Address, int]]:
        """Each owner with its bound flows; walks the whole table."""

    def flows_of(self, host: str, now: float) -> list[FlowSnapshot]:
        """What lives of a host's, on all its ports; walks the whole table."""

    def snapshot(self, now: float) -> "TableSnapshot":
        """Everything that lives, for a successor."""

    def restore(self, snapshot: "TableSnapshot", now: float) -> None:
        """Take over a predecessor's table; what the table already holds goes first."""
