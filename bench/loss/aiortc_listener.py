"""aiortc's jitter buffer and decoder as its RTCRtpReceiver uses them, in virtual time.

It knows no redundant audio: in a call it would answer with Opus alone.
"""

import av
import numpy as np
import soxr
from aiortc.codecs.opus import OpusDecoder
from aiortc.jitterbuffer import JitterBuffer
from aiortc.rtp import RtpPacket

from antiphon.wav import RATE, Samples
from bench.loss.heard import ENGINE_RATE, Heard, placed
from bench.loss.stream import FRAME_S

CAPACITY, PREFETCH = 16, 4
"""As in RTCRtpReceiver.__init__ for audio."""


def listen(packets: list[bytes], lost: set[int]) -> Heard:
    """Packets arrive 20 ms apart. The frames of the track are placed by their `pts`: an
    application that plays them one after the other hears speech that is cut short instead."""
    buffer = JitterBuffer(capacity=CAPACITY, prefetch=PREFETCH)
    decoder = OpusDecoder()
    runs: list[tuple[int, Samples]] = []
    delays: list[float] = []
    payloads: list[bytes] = []
    for index, data in enumerate(packets):
        if index in lost:
            continue
        packet = RtpPacket.parse(data)
        packet._data = packet.payload  # type: ignore[attr-defined]  # as RTCRtpReceiver does
        _, frame = buffer.add(packet)
        if frame is None:
            continue
        payloads.append(frame.data)
        delays.append(index * FRAME_S - frame.timestamp / RATE)
        for decoded in decoder.decode(frame):
            assert isinstance(decoded, av.AudioFrame)
            assert decoded.pts is not None
            stereo = np.asarray(decoded.to_ndarray(), np.int16).reshape(-1, 2)
            runs.append((decoded.pts, stereo[:, 0]))
    timeline = placed(runs, round(len(packets) * FRAME_S * RATE))
    return Heard(soxr.resample(timeline, RATE, ENGINE_RATE), delays, payloads)
