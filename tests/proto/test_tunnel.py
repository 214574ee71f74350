import json
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon_proto import tunnel
from antiphon_proto.address import Address
from antiphon_proto.cluster_keys import ClusterKeys, KeyConfig, Layout
from antiphon_proto.replay_window import WINDOW
from antiphon_proto.tunnel import (
    TRANSIT_TYPES,
    Frame,
    FrameType,
    TunnelError,
    TunnelFault,
    TunnelReceiver,
    TunnelSender,
    port_payload,
    split_port_payload,
)

VECTORS = json.loads((Path(__file__).parents[1] / "vectors/tunnel.json").read_text())
KEYS = ClusterKeys.parse(VECTORS["key_file"])
EPOCH = 0x1122334455667788
RECEIVER: Address = ("192.0.2.10", 40001)
CLIENT: Address = ("203.0.113.9", 50000)
CLIENT_IPV6: Address = ("2001:db8::9", 50001)
DATA = Frame(FrameType.DATA, CLIENT, b"\x80\x78 a packet")
BIND = Frame(FrameType.BIND, CLIENT, bytes(4))

addresses = st.tuples(
    st.ip_addresses(v=4).map(str) | st.just("2001:db8::1"), st.integers(0, 0xFFFF)
)
frames = st.builds(
    Frame,
    st.sampled_from([each for each in FrameType if each not in TRANSIT_TYPES]),
    addresses,
    st.binary(max_size=300),
)


def sender(epoch: int = EPOCH, receiver: Address = RECEIVER) -> TunnelSender:
    return TunnelSender(KEYS, epoch, receiver, count(1))


def receiver() -> TunnelReceiver:
    return TunnelReceiver(KEYS, RECEIVER)


def fault_of(datagram: bytes, at: TunnelReceiver | None = None) -> TunnelFault:
    with pytest.raises(TunnelError) as caught:
        (at or receiver()).decode(datagram)
    return caught.value.fault


class TestVectors:
    @pytest.mark.parametrize("vector", VECTORS["datagrams"], ids=lambda vector: vector["name"])
    def test_encoded_and_decoded(self, vector: dict[str, Any]) -> None:
        to: Address = (vector["receiver"][0], vector["receiver"][1])
        content = [
            Frame(
                FrameType[frame["type"]],
                (frame["client"][0], frame["client"][1]),
                bytes.fromhex(frame["payload"]),
            )
            for frame in vector["frames"]
        ]
        datagram = bytes.fromhex(vector["datagram"])
        encoder = TunnelSender(KEYS, VECTORS["epoch"], to, count(vector["counter"] or 1))
        assert encoder.encode(content) == datagram
        assert TunnelReceiver(KEYS, to).decode(datagram) == (VECTORS["epoch"], content)

    @pytest.mark.parametrize("name", VECTORS["derived"])
    def test_derived_keys(self, name: str) -> None:
        assert KEYS.first.derive(name).hex() == VECTORS["derived"][name]


class TestRoundTrip:
    @given(st.lists(frames, min_size=1, max_size=6), st.integers(0, 2**64 - 1))
    def test_frames_survive(self, content: list[Frame], epoch: int) -> None:
        assert receiver().decode(sender(epoch).encode(content)) == (epoch, content)

    @given(addresses, st.binary(max_size=1500))
    def test_one_data_frame_has_a_short_cut(self, client: Address, payload: bytes) -> None:
        frame = Frame(FrameType.DATA, client, payload)
        assert sender().encode_data(client, payload) == sender().encode([frame])

    def test_the_longest_payload(self) -> None:
        frame = Frame(FrameType.DATA, CLIENT, bytes(0xFFFF))
        assert receiver().decode(sender().encode([frame])) == (EPOCH, [frame])

    def test_what_cannot_be_written_is_refused(self) -> None:
        with pytest.raises(ValueError, match="frame"):
            sender().encode([])
        with pytest.raises(ValueError, match="payload"):
            sender().encode_data(CLIENT, bytes(0x10000))
        with pytest.raises(ValueError, match=r"."):
            sender().encode_data(("localhost", 1), b"")
        with pytest.raises(ValueError, match="epoch"):
            sender(epoch=2**64)
        with pytest.raises(ValueError, match=r"."):
            sender(receiver=("relay.example", 1))

    def test_only_a_control_frame_costs_a_trailer(self) -> None:
        data, both = sender().encode([DATA]), sender().encode([BIND, DATA])
        assert data[0] == 0x10
        assert both[0] == 0x11
        bind_length = 10 + len(BIND.payload)
        assert len(both) == len(data) + bind_length + tunnel.COUNTER_BYTES + tunnel.MAC_BYTES


class TestLeasedPorts:
    @given(st.integers(0, 0xFFFF), st.binary(max_size=300))
    def test_the_port_goes_before_the_packet(self, port: int, packet: bytes) -> None:
        frame = Frame(FrameType.PORT_DATA, CLIENT, port_payload(port, packet))
        datagram = sender().encode([DATA, frame])
        assert datagram[0] == 0x10
        assert receiver().decode(datagram) == (EPOCH, [DATA, frame])
        assert split_port_payload(frame.payload) == (port, packet)

    @pytest.mark.parametrize("payload", [b"", b"\x9c"])
    def test_without_a_port_it_is_none(self, payload: bytes) -> None:
        with pytest.raises(TunnelError):
            split_port_payload(payload)

    @pytest.mark.parametrize("port", [-1, 0x10000])
    def test_a_port_that_is_none_is_refused(self, port: int) -> None:
        with pytest.raises(ValueError, match="port"):
            port_payload(port, b"")


class TestTruncation:
    @pytest.mark.parametrize("frame", [DATA, BIND, Frame(FrameType.DATA, CLIENT_IPV6, b"x")])
    def test_at_every_byte(self, frame: Frame) -> None:
        datagram = sender().encode([frame])
        at = receiver()
        for length in range(len(datagram)):
            fault_of(datagram[:length], at)
        assert at.decode(datagram) == (EPOCH, [frame])

    def test_of_data_frames_never_yields_another_frame(self) -> None:
        content = [DATA, Frame(FrameType.DATA, CLIENT_IPV6, b""), DATA]
        datagram = sender().encode(content)
        at = receiver()
        for length in range(len(datagram)):
            try:
                _epoch, read = at.decode(datagram[:length])
            except TunnelError:
                continue
            assert read == content[: len(read)]

    @given(st.binary(max_size=120), st.booleans())
    def test_arbitrary_bytes_raise_only_tunnel_errors(self, data: bytes, tagged: bool) -> None:
        header = sender().encode([DATA])[: tunnel.HEADER_BYTES] if tagged else b""
        try:
            epoch, content = receiver().decode(header + data)
        except TunnelError:
            return
        assert sender(epoch).encode(content) == header + data


class TestHeader:
    @pytest.mark.parametrize("first", [0x00, 0x20, 0x12, 0x18, 0xFF])
    def test_another_version_or_flag(self, first: int) -> None:
        assert fault_of(bytes((first,)) + sender().encode([DATA])[1:]) is TunnelFault.VERSION

    @pytest.mark.parametrize("position", [2, 3])
    def test_reserved_bytes_are_zero(self, position: int) -> None:
        datagram = bytearray(sender().encode([DATA]))
        datagram[position] = 1
        assert fault_of(bytes(datagram)) is TunnelFault.VERSION

    @pytest.mark.parametrize("position", [1, *range(4, tunnel.HEADER_BYTES)])
    def test_config_epoch_and_tag_belong_together(self, position: int) -> None:
        at = receiver()
        datagram = bytearray(sender().encode([DATA]))
        at.decode(bytes(datagram))
        datagram[position] ^= 1
        assert fault_of(bytes(datagram), at) is TunnelFault.TAG

    @pytest.mark.parametrize(
        "other", [("192.0.2.11", 40001), ("192.0.2.10", 40002), ("2001:db8::a", 40001)]
    )
    def test_a_datagram_for_another_receiver(self, other: Address) -> None:
        assert fault_of(sender(receiver=other).encode([DATA])) is TunnelFault.TAG

    def test_the_receiver_may_be_spelled_in_two_ways(self) -> None:
        at = TunnelReceiver(KEYS, ("2001:DB8:0::A", 1))
        assert at.decode(sender(receiver=("2001:db8::a", 1)).encode([DATA])) == (EPOCH, [DATA])

    def test_another_clusters_sender(self) -> None:
        stranger = ClusterKeys.parse(f"0 ipv4 {'ee' * 32}")
        datagram = TunnelSender(stranger, EPOCH, RECEIVER).encode([DATA])
        assert fault_of(datagram) is TunnelFault.TAG

    def test_rotation(self) -> None:
        old, new = f"0 ipv4 {'11' * 32}\n", f"2 ipv4 {'22' * 32}\n"
        at = TunnelReceiver(ClusterKeys.parse(old + new), RECEIVER)
        for text in (old, new + old):
            encoder = TunnelSender(ClusterKeys.parse(text), EPOCH, RECEIVER, count(1))
            assert at.decode(encoder.encode([BIND])) == (EPOCH, [BIND])

    def test_remembered_senders_are_bounded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(tunnel, "MAX_HEADERS", 4)
        at = receiver()
        for epoch in range(20):
            assert at.decode(sender(epoch).encode([DATA])) == (epoch, [DATA])
        assert len(at._senders) == 4


class TestFrames:
    HEADER = sender().encode([DATA])[: tunnel.HEADER_BYTES]

    @pytest.mark.parametrize(
        ("body", "fault"),
        [
            ("", TunnelFault.FRAME),
            ("0000 00", TunnelFault.TRUNCATED),
            ("0000 00 05 c350 cb007109", TunnelFault.FRAME),
            ("0000 05 04 c350 cb007109", TunnelFault.FRAME),
            ("0000 ff 04 c350 cb007109", TunnelFault.FRAME),
            ("0001 00 04 c350 cb007109", TunnelFault.TRUNCATED),
            ("0000 00 06 c350 cb007109", TunnelFault.TRUNCATED),
            ("0000 00 04 c350 cb007109 00", TunnelFault.TRUNCATED),
        ],
    )
    def test_malformed(self, body: str, fault: TunnelFault) -> None:
        assert fault_of(self.HEADER + bytes.fromhex(body)) is fault

    @pytest.mark.parametrize("type_", [1, 2, 3, 4])
    def test_a_control_frame_without_protection(self, type_: int) -> None:
        body = bytes((0, 0, type_)) + bytes.fromhex("04c350cb007109")
        assert fault_of(self.HEADER + body) is TunnelFault.FRAME


class TestProtection:
    def test_every_byte_is_covered(self) -> None:
        datagram = sender().encode([BIND, DATA])
        at = receiver()
        for position in range(len(datagram)):
            changed = bytearray(datagram)
            changed[position] ^= 0x40
            fault = fault_of(bytes(changed), at)
            if position >= tunnel.HEADER_BYTES:
                assert fault is TunnelFault.MAC, position
        assert at.decode(datagram) == (EPOCH, [BIND, DATA])

    def test_the_flag_cannot_be_cleared(self) -> None:
        datagram = sender().encode([BIND])
        assert fault_of(b"\x10" + datagram[1:]) is TunnelFault.FRAME

    def test_the_flag_cannot_be_set(self) -> None:
        datagram = sender().encode([DATA])
        assert fault_of(b"\x11" + datagram[1:]) is TunnelFault.TRUNCATED
        assert fault_of(b"\x11" + datagram[1:] + bytes(24)) is TunnelFault.MAC

    def test_a_replay_is_refused_after_a_rotation_that_keeps_its_config(self) -> None:
        datagram, at = sender().encode([BIND]), receiver()
        at.decode(datagram)

        at.use_keys(ClusterKeys((*KEYS.configs, KeyConfig(5, Layout.IPV4, bytes(32)))))

        assert fault_of(datagram, at) is TunnelFault.REPLAY

    @pytest.mark.parametrize("new", [KeyConfig(5, Layout.IPV4, bytes(32)), "other secret"])
    def test_what_a_removed_or_replaced_config_made_is_refused(self, new: KeyConfig | str) -> None:
        datagram, at = sender().encode([DATA]), receiver()
        at.decode(datagram)
        if isinstance(new, str):
            new = KeyConfig(KEYS.first.id, KEYS.first.layout, bytes(32))

        at.use_keys(ClusterKeys((new,)))

        assert fault_of(datagram, at) is TunnelFault.TAG

    def test_a_replay_is_refused(self) -> None:
        encoder, at = sender(), receiver()
        first, second = encoder.encode([BIND]), encoder.encode([BIND])
        at.decode(second)
        at.decode(first)
        assert fault_of(first, at) is TunnelFault.REPLAY
        assert fault_of(second, at) is TunnelFault.REPLAY

    def test_one_too_old_to_tell_is_refused(self) -> None:
        encoder, at = sender(), receiver()
        datagrams = [encoder.encode([BIND]) for _ in range(WINDOW + 1)]
        at.decode(datagrams[-1])
        assert fault_of(datagrams[0], at) is TunnelFault.REPLAY
        at.decode(datagrams[1])

    def test_data_needs_no_counter(self) -> None:
        at, datagram = receiver(), sender().encode([DATA])
        assert at.decode(datagram) == at.decode(datagram)

    def test_epochs_count_apart(self) -> None:
        at = receiver()
        for epoch in (1, 2):
            assert at.decode(sender(epoch).encode([BIND])) == (epoch, [BIND])

    def test_a_forgery_uses_no_counter_up(self) -> None:
        encoder, at = sender(), receiver()
        datagram = encoder.encode([BIND])
        assert fault_of(datagram[:-1] + bytes((datagram[-1] ^ 1,)), at) is TunnelFault.MAC
        assert at.decode(datagram) == (EPOCH, [BIND])

    def test_a_sender_made_again_goes_on_counting(self) -> None:
        at = receiver()
        for _ in range(3):
            assert at.decode(TunnelSender(KEYS, EPOCH, RECEIVER).encode([BIND]))
