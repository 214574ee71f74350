"""Antiphon's receiving core, in virtual time."""

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
    decoder = WatchedDecoder()
    receiver = AudioReceiver(FORMAT, ENGINE_RATE, decoder=decoder)
    frames: list[tuple[float, AudioFrame]] = []
    for index, packet in enumerate(packets):
        now = index * FRAME_S
        if index not in lost:
            frames += [(now, each) for each in receiver.receive(RtpPacket.parse(packet), now)]
        now += phase_s
        frames += [(now, each) for each in receiver.tick(now)]
    runs = [(frame.position, np.frombuffer(frame.pcm, np.int16)) for _, frame in frames]
    return Heard(
        samples=placed(runs, round(len(packets) * FRAME_S * ENGINE_RATE)),
        delays_s=[now - frame.position / ENGINE_RATE for now, frame in frames],
        payloads=decoder.payloads,
    )
