"""Antiphon's receiving core, in virtual time."""

from collections.abc import Iterable
from operator import itemgetter

import numpy as np

from bench.loss.heard import ENGINE_RATE, Heard, placed
from bench.loss.stream import FORMAT, FRAME_S
from transceiver.audio.opus import OpusDecoder
from transceiver.audio.receiver import AudioFrame, AudioReceiver
from transceiver.rtp.packet import RtpPacket

SERVED_EVERY_S = 0.020


class WatchedDecoder(OpusDecoder):
    """The call's decoder; tells what it was given."""

    def __init__(self) -> None:
        super().__init__(ENGINE_RATE)
        self.payloads: list[bytes] = []

    def decode(self, packet: bytes) -> bytes:
        self.payloads.append(packet)
        return super().decode(packet)


def listen(packets: list[bytes], lost: set[int], phase_s: float) -> Heard:
    """Packets arrive 20 ms apart; the call is served as often, `phase_s` after them."""
    return listen_to(
        [(place * FRAME_S, each) for place, each in enumerate(packets) if place not in lost],
        len(packets) * FRAME_S,
        phase_s,
    )


def listen_to(arrivals: Iterable[tuple[float, bytes]], duration_s: float, phase_s: float) -> Heard:
    """Packets of a stream of that duration, when they arrive."""
    decoder = WatchedDecoder()
    receiver = AudioReceiver(FORMAT, ENGINE_RATE, decoder=decoder)
    served = [
        (phase_s + turn * SERVED_EVERY_S, None) for turn in range(round(duration_s / FRAME_S))
    ]
    frames: list[tuple[float, AudioFrame]] = []
    for now, packet in sorted([*arrivals, *served], key=itemgetter(0)):
        due = receiver.receive(RtpPacket.parse(packet), now) if packet else receiver.tick(now)
        frames += [(now, frame) for frame in due]
    runs = [(frame.position, np.frombuffer(frame.pcm, np.int16)) for _, frame in frames]
    return Heard(
        samples=placed(runs, round(duration_s * ENGINE_RATE)),
        delays_s=[now - frame.position / ENGINE_RATE for now, frame in frames],
        payloads=decoder.payloads,
    )
