"""Lines that speech comes over, up to what the engine hears of it."""

import enum

import numpy as np

from antiphon.wav import Samples
from bench.loss.heard import ENGINE_RATE, placed
from bench.narrowband.speech import Sentence
from transceiver.audio.codec import AudioDecoder
from transceiver.audio.format import AudioFormat, Codec
from transceiver.audio.g711 import CLOCK_RATE, G711Encoder
from transceiver.audio.receiver import AudioReceiver
from transceiver.audio.resampler import Resampler
from transceiver.rtp.packet import RtpPacket

WIDE_RATE = 24_000
FRAME_S = 0.020
FRAME_SAMPLES = round(CLOCK_RATE * FRAME_S)
TAIL_FRAMES = 10
"""Of silence after the sentence, so that the receiver holds no part of it back."""

TRUNK_HZ = (300, 3400)
"""What the telephone network passes on, ITU-T G.712."""
TRUNK_SLOPES = (12, 60)


class Line(enum.Enum):
    WIDE = "wide"
    """PCM at 24 kHz, as over a WebSocket."""
    PCMU = "pcmu"
    PCMA = "pcma"
    TRUNK = "trunk"
    """PCMU of what the telephone network passes on."""

    @property
    def codec(self) -> Codec:
        return Codec.PCMA if self is Line.PCMA else Codec.PCMU


def packet_count(sentence: Sentence) -> int:
    """How many packets the sentence makes, without its tail."""
    return -(-len(sentence.samples) * CLOCK_RATE // 16_000 // FRAME_SAMPLES)


def hear(
    sentence: Sentence,
    line: Line,
    gone: set[int] = frozenset(),  # type: ignore[assignment]
    *,
    decoder: AudioDecoder | None = None,
    rate: int = ENGINE_RATE,
) -> Samples:
    """At `rate`, what the engine is given; the packets that are `gone` are lost. `decoder` takes
    the codec's place."""
    if line is Line.WIDE:
        return np.frombuffer(
            Resampler(WIDE_RATE, rate).resample(sentence.at(WIDE_RATE).tobytes()), "<i2"
        )
    samples = sentence.at(CLOCK_RATE)
    if line is Line.TRUNK:
        samples = over_network(samples)
    packets = packet_count(sentence) + TAIL_FRAMES
    padded = np.pad(samples, (0, packets * FRAME_SAMPLES - len(samples)))
    encoder = G711Encoder(line.codec)
    receiver = AudioReceiver(AudioFormat(line.codec, 0), rate, decoder=decoder)
    frames = []
    for index, frame in enumerate(padded.reshape(packets, FRAME_SAMPLES)):
        now = index * FRAME_S
        if index not in gone:
            payload = encoder.encode(frame.tobytes())
            packet = RtpPacket(0, index, index * FRAME_SAMPLES, 1, payload)
            frames += receiver.receive(packet, now)
        frames += receiver.tick(now + FRAME_S / 2)
    runs = [(frame.position, np.frombuffer(frame.pcm, "<i2")) for frame in frames]
    return placed(runs, round(packets * FRAME_S * rate))


def over_network(samples: Samples) -> Samples:
    """What of samples at 8 kHz is left behind the network's filters."""
    frequencies = np.maximum(np.fft.rfftfreq(len(samples), 1 / CLOCK_RATE), 1.0)
    lowest, highest = TRUNK_HZ
    steep, steeper = TRUNK_SLOPES
    passed = (1 + (lowest / frequencies) ** steep) * (1 + (frequencies / highest) ** steeper)
    filtered = np.fft.irfft(np.fft.rfft(samples) / np.sqrt(passed), len(samples))
    return np.asarray(filtered.clip(-32768, 32767), "<i2")
