from transceiver.rtp.packet import RtpPacket
from transceiver.rtp.sender import RtpSender


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
