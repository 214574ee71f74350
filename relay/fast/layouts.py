"""Memory that compiled code and the kernel read: one record type for each thing."""

from typing import cast

import numpy as np

from antiphon_proto.tunnel import HEADER_BYTES, MAX_TRANSIT_BYTES
from relay.flows import FlowState
from relay.table_snapshot import FLOW_FIELDS, SSRC_FIELDS, STATE_NUMBERS

i64 = cast("type[int]", np.int64)
"""A signed number, in compiled code: numba makes floats of signed and unsigned ones mixed."""

NONE = 0xFFFFFFFF
"""No slot: the end of a list or chain."""

FREE = 0
"""The state of a slot that holds no flow."""

PROVISIONAL, BOUND, SIGNALLED = (STATE_NUMBERS[state] for state in FlowState)
"""States of one that does."""

MAX_HEADER_BYTES = HEADER_BYTES + MAX_TRANSIT_BYTES
"""Of a tunnel datagram, with the frame that one in transit begins with."""

NAME_BYTES = 28
"""Of a sockaddr_in6; a sockaddr_in is the first 16 of them."""

HEADER = np.dtype(
    [
        ("mutex", "u8", (8,)),  # pthread_mutex_t, 40 bytes on 64-bit Linux.
        ("seed", "u8"),  # Of the hashes, so that nobody can choose colliding addresses.
        ("max_flows", "i8"),
        ("max_ssrcs", "i8"),
        ("bound", "i8"),
        ("provisional", "i8"),
        ("ssrcs", "i8"),
        ("evictions", "i8"),
        ("sweep_flows_at", "i8"),
        ("sweep_ssrcs_at", "i8"),
        # For each kind of record: the first free slot, and the slots that ever held one.
        ("free_life", "u4"),
        ("free_flow", "u4"),
        ("free_ssrc", "u4"),
        ("used_owners", "u4"),
        ("used_lives", "u4"),
        ("used_flows", "u4"),
        ("used_ssrcs", "u4"),
        # The provisional flow that was opened first, and last.
        ("oldest", "u4"),
        ("newest", "u4"),
        ("locked", "u4"),
    ],
    align=True,
)
"""What there is one of in a table."""

OWNER = np.dtype(
    [
        ("hi", "u8"),
        ("lo", "u8"),
        ("port", "u2"),
        ("family", "u2"),  # See `AddressKey`.
        ("next", "u4"),  # In its bucket, or of the free slots.
        ("first_life", "u4"),
        ("lives", "u4"),
        ("header_bytes", "u4"),  # 0 before Python told it.
        ("name", "u1", (NAME_BYTES,)),  # sockaddr_in or sockaddr_in6, of it or of its gateway.
        ("header", "u1", (MAX_HEADER_BYTES,)),  # Of the tunnel's DATA datagrams for it.
    ],
    align=True,
)
"""A transceiver worker's tunnel address; kept without a life until its slot is needed."""

LIFE = np.dtype(
    [
        ("epoch", "u8"),
        ("owner", "u4"),
        ("claims", "u4"),  # Flows and SSRCs that refer to it.
        ("next", "u4"),  # Of its owner, or of the free slots.
        ("over", "u4"),
    ],
    align=True,
)
"""One life of an owner; epoch 0 where a check's ufrag named the owner, which has none."""

FLOW = np.dtype(
    [
        ("hi", "u8"),
        ("lo", "u8"),
        ("expires", "f8"),
        ("received", "u4"),
        ("sent", "u4"),
        ("mark", "u4"),
        ("life", "u4"),
        ("older", "u4"),
        ("newer", "u4"),
        ("next", "u4"),  # In its bucket, or of the free slots.
        ("port", "u2"),
        ("family", "u1"),
        ("state", "u1"),
    ],
    align=True,
)
"""A client's address: 16 bytes of host in `hi` and `lo` as big-endian numbers, IPv4 in `lo`."""

SSRC = np.dtype(
    [
        ("expires", "f8"),
        ("due", "i8"),  # Nanoseconds; see `ssrc_table`.
        ("ssrc", "u4"),
        ("life", "u4"),
        ("next", "u4"),  # In its bucket, or of the free slots.
        ("state", "u4"),
    ],
    align=True,
)
"""An RTP source that an owner announced."""

FLOW_RECORD, SSRC_RECORD = np.dtype([*FLOW_FIELDS]), np.dtype([*SSRC_FIELDS])
"""What a snapshot holds of each."""

TRUSTED = np.dtype([("first", "u8"), ("second", "u8"), ("third", "u4"), ("held", "u4")], align=True)
"""The header of a member's tunnel datagrams."""

PASSAGE = np.dtype(
    [
        ("prefix", "u1", (MAX_HEADER_BYTES,)),  # Header and first frame, as they come.
        ("header", "u1", (MAX_HEADER_BYTES,)),  # What goes on in their place.
        ("name", "u1", (NAME_BYTES,)),  # sockaddr_in or sockaddr_in6
        ("prefix_bytes", "u4"),  # 0 where there is none.
        ("header_bytes", "u4"),
        ("to_owner", "u4"),
    ],
    align=True,
)
"""A way on which datagrams are in transit."""

IOVEC = np.dtype([("base", "u8"), ("length", "u8")])
"""https://man7.org/linux/man-pages/man3/iovec.3type.html"""

MMSGHDR = np.dtype(
    [
        ("name", "u8"),
        ("name_length", "u4"),
        ("pad", "u4"),
        ("iovecs", "u8"),
        ("iovec_count", "u8"),
        ("control", "u8"),
        ("control_length", "u8"),
        ("flags", "i4"),
        ("pad_flags", "u4"),
        ("length", "u4"),
        ("pad_length", "u4"),
    ]
)
"""https://man7.org/linux/man-pages/man2/recvmmsg.2.html"""

POLLFD = np.dtype([("descriptor", "i4"), ("events", "i2"), ("returned", "i2")])
"""https://man7.org/linux/man-pages/man2/poll.2.html"""
