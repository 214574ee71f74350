"""What a flow table remembers, to hand to another process: a record of fixed size for each
flow and each SSRC, so that a table of compiled code is copied and not told flow by flow.

Flow by flow, both relays of a hand-over were busy for seconds:
docs/decisions/0012-new-epoch-at-hand-over.md
"""

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from relay.address_key import address_of, key_of
from relay.flows import FlowSnapshot, FlowState, SsrcSnapshot

FLOW_FIELDS = (
    ("hi", "u8"),  # The client's: see `AddressKey`; likewise the owner's.
    ("lo", "u8"),
    ("port", "u2"),
    ("family", "u2"),
    ("owner_port", "u2"),
    ("owner_family", "u2"),
    ("owner_hi", "u8"),
    ("owner_lo", "u8"),
    ("epoch", "u8"),
    ("seconds_left", "u4"),
    ("mark", "u4"),
    ("received", "u4"),
    ("sent", "u4"),
    ("state", "u8"),
)
"""Names and numpy's types, of natural alignment without padding; likewise the next."""

SSRC_FIELDS = (
    ("ssrc", "u8"),
    ("owner_hi", "u8"),
    ("owner_lo", "u8"),
    ("epoch", "u8"),
    ("owner_port", "u2"),
    ("owner_family", "u2"),
    ("seconds_left", "u4"),
)

STATE_NUMBERS = {FlowState.PROVISIONAL: 1, FlowState.SIGNALLED: 2, FlowState.BOUND: 3}
"""The more somebody vouches for an address, the higher."""
STATES = {number: state for state, number in STATE_NUMBERS.items()}

_CODES = {"u8": "Q", "u4": "I", "u2": "H"}
FLOW = struct.Struct("=" + "".join(_CODES[kind] for _, kind in FLOW_FIELDS))
SSRC = struct.Struct("=" + "".join(_CODES[kind] for _, kind in SSRC_FIELDS))
FLOW_KEY_BYTES, SSRC_KEY_BYTES = 20, 8
"""At the start of a record: the client's address, and the SSRC."""

_32_BITS = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class TableSnapshot:
    """Seconds count from the moment it was taken."""

    flows: bytes = b""
    """Records of `FLOW_FIELDS`; the provisional ones in the order in which they were opened."""
    ssrcs: bytes = b""
    """Records of `SSRC_FIELDS`."""

    def __post_init__(self) -> None:
        """Raises ValueError for what is no whole number of records."""
        if len(self.flows) % FLOW.size or len(self.ssrcs) % SSRC.size:
            raise ValueError("a table is cut off")

    @classmethod
    def of(cls, flows: Iterable[FlowSnapshot], ssrcs: Iterable[SsrcSnapshot]) -> "TableSnapshot":
        return cls(b"".join(map(_flow_record, flows)), b"".join(map(_ssrc_record, ssrcs)))

    def each_flow(self) -> Iterator[FlowSnapshot]:
        """Without those whose state is none."""
        for hi, lo, port, family, *rest in FLOW.iter_unpack(self.flows):
            owner_port, owner_family, owner_hi, owner_lo, epoch, left, mark, *counts, state = rest
            if state in STATES:
                client = address_of(hi, lo, port, family)
                owner = address_of(owner_hi, owner_lo, owner_port, owner_family)
                yield FlowSnapshot(client, owner, epoch, STATES[state], left, mark, *counts)

    def each_ssrc(self) -> Iterator[SsrcSnapshot]:
        for ssrc, hi, lo, epoch, port, family, left in SSRC.iter_unpack(self.ssrcs):
            yield SsrcSnapshot(ssrc, address_of(hi, lo, port, family), epoch, left)


def _flow_record(flow: FlowSnapshot) -> bytes:
    hi, lo, port, family = key_of(flow.owner)
    return FLOW.pack(
        *key_of(flow.client),
        port,
        family,
        hi,
        lo,
        flow.epoch,
        flow.seconds_left,
        # A mark that does not fit becomes NO_UFRAG: such a check is verified each time.
        flow.ufrag_mark & _32_BITS,
        min(flow.received, _32_BITS),
        min(flow.sent, _32_BITS),
        STATE_NUMBERS[flow.state],
    )


def _ssrc_record(each: SsrcSnapshot) -> bytes:
    hi, lo, port, family = key_of(each.owner)
    return SSRC.pack(each.ssrc, hi, lo, each.epoch, port, family, each.seconds_left)
