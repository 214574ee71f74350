import contextlib
import json
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon_proto.address import Address
from antiphon_proto.cluster_keys import ClusterKeys
from antiphon_proto.tunnel import (
    MAX_TRANSIT_BYTES,
    TRANSIT_TYPES,
    Frame,
    FrameType,
    TunnelError,
    TunnelFault,
    TunnelReceiver,
    TunnelSender,
    first_frame_end,
)
from antiphon_proto.tunnel_control import Hello, control_frame
from antiphon_proto.tunnel_transit import (
    FromOwner,
    FromRelay,
    ToOwner,
    ToRelay,
    TransitSender,
    read_transit,
)

KEYS = ClusterKeys.parse(f"0 ipv4 {'11' * 32}")
RECEIVER: Address = ("192.0.2.10", 40001)
CLIENT: Address = ("203.0.113.9", 50000)
DATA = Frame(FrameType.DATA, CLIENT, b"\x80\x78 a packet")

addresses = st.tuples(
    st.ip_addresses(v=4).map(str) | st.just("2001:db8::1"), st.integers(0, 0xFFFF)
)
clusters, epochs = st.integers(0, 255), st.integers(0, 2**64 - 1)
ways = st.one_of(
    st.builds(ToOwner, addresses, clusters, addresses),
    st.builds(FromRelay, addresses, epochs),
    st.builds(ToRelay, addresses),
    st.builds(FromOwner, addresses, clusters, epochs),
)


def sender() -> TunnelSender:
    return TunnelSender(KEYS, 7, RECEIVER, count(1))


def fault_of(datagram: bytes) -> TunnelFault:
    with pytest.raises(TunnelError) as caught:
        TunnelReceiver(KEYS, RECEIVER).decode(datagram)
    return caught.value.fault


class TestWays:
    @given(ways)
    def test_are_read_as_they_were_written(self, way) -> None:
        assert read_transit(way.frame()) == way

    @given(st.sampled_from(sorted(TRANSIT_TYPES)), addresses, st.binary(max_size=40))
    def test_any_payload_is_one_or_a_fault(self, type_, address, payload) -> None:
        frame = Frame(type_, address, payload)
        with contextlib.suppress(TunnelError):
            assert read_transit(frame).frame() == frame

    def test_other_frames_are_none(self) -> None:
        assert read_transit(DATA) is None

    @pytest.mark.parametrize(
        "way",
        [
            ToOwner(RECEIVER, 256, RECEIVER),
            FromRelay(RECEIVER, 2**64),
            FromOwner(RECEIVER, 0, -1),
            FromOwner(RECEIVER, -1, 0),
        ],
    )
    def test_what_does_not_fit_is_refused(self, way) -> None:
        with pytest.raises(ValueError, match=r"."):
            way.frame()


class TestDatagrams:
    @given(ways, st.booleans())
    def test_say_first_what_the_rest_is_for(self, way, control) -> None:
        content = [DATA, control_frame(Hello(1, ()))] if control else [DATA, DATA]
        datagram = TransitSender(sender(), way).encode(content)
        _epoch, frames = TunnelReceiver(KEYS, RECEIVER).decode(datagram)
        assert frames == [way.frame(), *content]
        assert datagram[0] & 1 == control
        assert first_frame_end(datagram) - 20 <= MAX_TRANSIT_BYTES

    def test_of_data_alone_have_a_constant_header(self) -> None:
        transit = TransitSender(sender(), ToRelay(RECEIVER))
        datagram = transit.encode_data(CLIENT, DATA.payload)
        assert datagram == transit.encode([DATA])
        assert datagram.startswith(transit.data_header)
        assert len(transit.data_header) == first_frame_end(datagram)

    def test_the_longest_way(self) -> None:
        far: Address = ("2001:db8::1", 1)
        header = TransitSender(sender(), ToOwner(far, 1, far)).data_header
        assert len(header) == 20 + MAX_TRANSIT_BYTES

    def test_hold_more_than_that(self) -> None:
        with pytest.raises(ValueError, match="besides"):
            TransitSender(sender(), ToRelay(RECEIVER)).encode([])
        assert fault_of(sender().encode([ToRelay(RECEIVER).frame()])) is TunnelFault.FRAME

    def test_say_it_once_and_first(self) -> None:
        way = ToRelay(RECEIVER).frame()
        for frames in ([DATA, way], [DATA, way, DATA], [way, way, DATA]):
            assert fault_of(sender().encode(frames)) is TunnelFault.FRAME

    def test_a_receiver_may_have_two_names(self) -> None:
        other: Address = ("198.51.100.1", 9)
        receiver = TunnelReceiver(KEYS, RECEIVER, other)
        for name in (RECEIVER, other):
            datagram = TunnelSender(KEYS, 7, name).encode([DATA])
            assert receiver.decode(datagram) == (7, [DATA])
        with pytest.raises(TunnelError):
            receiver.decode(TunnelSender(KEYS, 7, ("198.51.100.1", 8)).encode([DATA]))


def test_the_vectors_tell_every_way() -> None:
    """`test_tunnel` holds their bytes."""
    path = Path(__file__).parents[1] / "vectors" / "tunnel.json"
    frames = [
        frame for each in json.loads(path.read_text())["datagrams"] for frame in each["frames"]
    ]
    assert {frame["type"] for frame in frames} >= {each.name for each in FrameType}
