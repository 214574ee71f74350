"""A client's G.711, comfort noise and keys: PCM at a rate that neither divides, or refused."""

import itertools

from tests.fuzz.packet_stream import join_packets, split_packets
from transceiver.audio.format import AudioFormat, Codec
from transceiver.audio.receiver import AudioReceiver
from transceiver.rtp.packet import RtpError, RtpPacket

_PCMU, _NOISE, _KEY = 0, 13, 101
_FORMAT = AudioFormat(
    Codec.PCMU,
    _PCMU,
    comfort_noise_payload_type=_NOISE,
    telephone_event_payload_type=_KEY,
)
_RATE = 22050


def _stream(*packets: tuple[int, int, int, bytes]) -> bytes:
    """Packets one after the other, each behind its length."""
    return join_packets(RtpPacket(kind, *rest[:2], 1, rest[2]).encode() for kind, *rest in packets)


SEEDS = [
    _stream(*((_PCMU, number, number * 160, bytes(160)) for number in (0, 1, 3, 2, 6, 7))),
    _stream(
        (_PCMU, 65535, 2**32 - 80, bytes(range(80))),
        (_NOISE, 0, 0, b"\x46"),
        (_PCMU, 1, 800, bytes(80)),
        (_PCMU, 2, 880, bytes(480)),
    ),
    _stream(
        (_PCMU, 0, 0, bytes(range(160))),
        (_KEY, 1, 160, b"\x05\x0a\x00\xa0"),
        (_KEY, 2, 160, b"\x05\x8a\x01\x40"),
        (_PCMU, 3, 480, bytes(range(160))),
    ),
]


def one_input(data: bytes) -> None:
    receiver = AudioReceiver(_FORMAT, _RATE)
    frames = []
    for number, packet in enumerate(split_packets(data)):
        now = number * 0.02
        try:
            parsed = RtpPacket.parse(packet)
        except RtpError:
            continue
        frames += receiver.receive(parsed, now) + receiver.tick(now)
    for frame in frames:
        assert len(frame.pcm) % 2 == 0
    for earlier, later in itertools.pairwise(frames):
        assert later.position >= earlier.position + len(earlier.pcm) // 2
