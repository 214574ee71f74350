"""The packet of relay callers: docs/wire/reflected-packet.md has the same bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.reflected_packet import PACKET_BYTES, PacketError, ReflectedPacket

VECTOR = bytes.fromhex(
    "80ef0007 00000030 deadbeef 00000005 0102030405060708 00000007 00000000"
    "00000000000f4240 00000000001e8480"
).ljust(PACKET_BYTES, b"\0")

packets = st.builds(
    ReflectedPacket,
    session=st.integers(0, 2**32 - 1),
    tag=st.integers(-(2**63), 2**63 - 1),
    number=st.integers(0, 2**32 - 1),
    ssrc=st.integers(0, 2**32 - 1),
    sent_ns=st.integers(0, 2**63 - 1),
    reflected_ns=st.integers(0, 2**63 - 1),
    marker=st.booleans(),
)


def test_the_documented_packet() -> None:
    packet = ReflectedPacket(
        session=5,
        tag=0x0102030405060708,
        number=7,
        ssrc=0xDEADBEEF,
        sent_ns=1_000_000,
        reflected_ns=2_000_000,
        marker=True,
    )
    assert packet.encode() == VECTOR
    assert ReflectedPacket.decode(VECTOR) == packet


@given(packets)
def test_what_is_written_is_read(packet: ReflectedPacket) -> None:
    assert ReflectedPacket.decode(packet.encode()) == packet


@pytest.mark.parametrize(
    "datagram",
    [b"", VECTOR[:-1], VECTOR + b"\0", b"\0" + VECTOR[1:], VECTOR[:1] + b"\0" + VECTOR[2:]],
)
def test_anything_else_is_refused(datagram: bytes) -> None:
    with pytest.raises(PacketError):
        ReflectedPacket.decode(datagram)
