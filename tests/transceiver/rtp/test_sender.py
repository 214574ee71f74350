import pytest

from transceiver.rtp.packet import RtpPacket
from transceiver.rtp.red import unpack_red
from transceiver.rtp.sender import MAX_REDUNDANCY, RtpSender


def make_sender(sequence: int = 10, timestamp: int = 1000) -> RtpSender:
    return RtpSender(payload_type=111, ssrc=7, sequence=sequence, timestamp=timestamp)


def test_consecutive_frames_are_numbered_and_only_the_first_is_marked() -> None:
    sender = make_sender()
    packets = [RtpPacket.parse(sender.send(payload)) for payload in (b"a", b"b", b"c")]
    assert [packet.sequence for packet in packets] == [10, 11, 12]
    assert [packet.timestamp for packet in packets] == [1000, 1960, 2920]
    assert [packet.marker for packet in packets] == [True, False, False]
    assert [packet.payload for packet in packets] == [b"a", b"b", b"c"]
    assert {(packet.payload_type, packet.ssrc) for packet in packets} == {(111, 7)}
    assert (sender.packets_sent, sender.payload_bytes_sent) == (3, 3)


def test_silence_advances_the_timestamp_alone_and_its_end_is_marked() -> None:
    sender = make_sender()
    sender.send(b"a")
    for _ in range(50):
        sender.skip()
    resumed = RtpPacket.parse(sender.send(b"b"))
    assert resumed == RtpPacket(111, 11, 1000 + 51 * 960, 7, b"b", marker=True)


def test_both_counters_wrap() -> None:
    sender = make_sender(sequence=0xFFFF, timestamp=0xFFFFFFFF)
    sender.send(b"a")
    wrapped = RtpPacket.parse(sender.send(b"b"))
    assert (wrapped.sequence, wrapped.timestamp) == (0, 959)


def test_the_clock_rate_and_the_duration_of_frames_make_the_ticks() -> None:
    sender = RtpSender(
        payload_type=0, ssrc=7, sequence=0, timestamp=0, clock_rate=8000, frame_ms=60
    )
    sender.send(b"a")
    sender.skip()
    assert sender.timestamp == 2 * 480


def make_red_sender() -> RtpSender:
    return RtpSender(payload_type=111, ssrc=7, sequence=10, timestamp=0, red_payload_type=63)


def test_redundancy_is_switched_on_and_off_within_a_stream() -> None:
    sender = make_red_sender()
    packets: list[RtpPacket] = []
    for redundancy in (0, 1, 1, 2, 2, 1, 0, 0):
        sender.redundancy = redundancy
        packets.append(RtpPacket.parse(sender.send(b"%d" % len(packets))))
    assert [packet.payload_type for packet in packets] == [111, 63, 63, 63, 63, 63, 111, 111]
    unpacked = [unpack_red(p) if p.payload_type == 63 else [p] for p in packets]
    assert [[packet.payload for packet in each] for each in unpacked] == [
        [b"0"],
        [b"1"],
        [b"1", b"2"],
        [b"1", b"2", b"3"],
        [b"2", b"3", b"4"],
        [b"4", b"5"],
        [b"6"],
        [b"7"],
    ]
    assert sender.payload_bytes_sent == sum(len(packet.payload) for packet in packets)


def test_a_talkspurt_does_not_repeat_the_one_before() -> None:
    sender = make_red_sender()
    sender.redundancy = 2
    sender.send(b"a")
    sender.skip()
    resumed = RtpPacket.parse(sender.send(b"b"))
    assert resumed.marker
    assert [packet.payload for packet in unpack_red(resumed)] == [b"b"]


def test_a_stream_without_red_stays_plain() -> None:
    sender = make_sender()
    sender.redundancy = 2
    assert sender.redundancy == 0
    sender.send(b"a")
    assert RtpPacket.parse(sender.send(b"b")).payload == b"b"


@pytest.mark.parametrize("blocks", [-1, MAX_REDUNDANCY + 1])
def test_an_impossible_redundancy_is_refused(blocks: int) -> None:
    with pytest.raises(ValueError, match="repeated"):
        make_red_sender().redundancy = blocks
