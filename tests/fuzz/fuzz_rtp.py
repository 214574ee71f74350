"""A client's authenticated RTP and RTCP: decoded to an unbroken clock, or refused."""

import contextlib
import itertools
import struct

from aiortc import rtp

from tests.fuzz.packet_stream import join_packets, split_packets
from transceiver.audio.downlink_protection import DownlinkProtection
from transceiver.audio.format import AudioFormat, Codec, HeaderExtensionIds
from transceiver.audio.opus import OpusEncoder
from transceiver.audio.receiver import AudioReceiver
from transceiver.rtp.packet import RtpError, RtpPacket
from transceiver.rtp.red import RedBlock, encode_red
from transceiver.rtp.reports import RtcpSession
from transceiver.rtp.rtcp import RtcpError
from transceiver.rtp.sender import RtpSender
from transceiver.rtp.transport_feedback import TransportFeedback

_OPUS, _RED = 111, 63
_LEVEL, _TRANSPORT_SEQUENCE = 1, 3
_FORMAT = AudioFormat(
    Codec.OPUS,
    payload_type=_OPUS,
    red_payload_type=_RED,
    extensions=HeaderExtensionIds(_LEVEL, _TRANSPORT_SEQUENCE),
)
_RATE = 24000
_SPEECH = OpusEncoder(_RATE).encode(bytes(_RATE // 50 * 2))

_REDUNDANT = encode_red([RedBlock(_OPUS, 960, _SPEECH), RedBlock(_OPUS, 0, _SPEECH)])

_MUTED = bytes.fromhex("bede0002 10ff 310042 000000")
"""Digital silence, with the transport sequence 0x42."""
_MUTED_TWO_BYTES = bytes.fromhex("10000003 0101ff 03020043 0402ffff 00")

_EXTENDED_REPORT = struct.pack(">BBHI", 0x80, 207, 1, 1)


def _stream(*packets: bytes) -> bytes:
    """Packets one after the other, each behind its length."""
    return join_packets(packets)


SEEDS = [
    _stream(
        *(
            RtpPacket(_OPUS, 65534 + number & 0xFFFF, number * 960, 1, _SPEECH).encode()
            for number in (0, 1, 3, 2, 6, 7, 8)
        )
    ),
    _stream(
        *(
            RtpPacket(_RED, number, number * 960, 1, _REDUNDANT).encode()
            for number in (0, 1, 3, 6, 7)
        )
    ),
    _stream(
        *(
            RtpPacket(_OPUS, number, number * 960, 1, _SPEECH, extension=extension).encode()
            for number, extension in enumerate([_MUTED] * 8 + [_MUTED_TWO_BYTES, b""] * 8)
        )
    ),
    _stream(
        bytes(
            rtp.RtcpSrPacket(
                ssrc=1,
                sender_info=rtp.RtcpSenderInfo(1 << 63, 960, 1, 100),
                reports=[rtp.RtcpReceiverInfo(7, 1, 2, 3, 4, 5, 6)],
            )
        )
        + bytes(rtp.RtcpSdesPacket([rtp.RtcpSourceInfo(1, [(1, b"cname")])]))
    ),
    _stream(
        RtpPacket(_OPUS, 1, 960, 1, _SPEECH).encode(),
        bytes(rtp.RtcpRrPacket(1, [rtp.RtcpReceiverInfo(7, 128, 1, 1, 0, 0, 0)])),
        bytes(rtp.RtcpRrPacket(1, [rtp.RtcpReceiverInfo(7, 0, 1, 3, 0, 0, 0)])) + _EXTENDED_REPORT,
        bytes(rtp.RtcpByePacket([1])),
    ),
]


def one_input(data: bytes) -> None:
    receiver = AudioReceiver(_FORMAT, _RATE)
    sender = RtpSender(payload_type=_OPUS, ssrc=7, sequence=0, timestamp=0, red_payload_type=_RED)
    session = RtcpSession(sender, cname="fuzz", epoch_s=4e9, random=lambda: 0.5)
    protection = DownlinkProtection(red=bool(len(data) % 2), fec=True)
    feedback = TransportFeedback(7, _TRANSPORT_SEQUENCE)
    frames = []
    for number, packet in enumerate(split_packets(data)):
        now = number * 0.02
        sender.send(_SPEECH)
        with contextlib.suppress(RtcpError):
            report = session.receive(packet, now)
            if report is not None:
                protection.receive(report, now)
        sender.redundancy = protection.at(now).redundancy
        assert 0 <= protection.at(now).expected_loss <= 1
        try:
            parsed = RtpPacket.parse(packet)
        except RtpError:
            continue
        session.receive_rtp(parsed, now)
        feedback.receive(parsed, now)
        message = feedback.due(now)
        assert message is None or 20 < len(message) == 4 * (message[2] << 8 | message[3]) + 4
        frames += receiver.receive(parsed, now) + receiver.tick(now)
        rtp.RtcpPacket.parse(session.report(now))
    for earlier, later in itertools.pairwise(frames):
        assert later.position >= earlier.position + len(earlier.pcm) // 2
