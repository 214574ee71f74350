"""Lines that speech comes over, up to what the engine hears of it."""

import enum
from collections.abc import Collection

import numpy as np

from antiphon.wav import Samples
from bench.loss.heard import ENGINE_RATE, placed
from bench.narrowband.speech import BEFORE_MS, Sentence
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


KEY_HZ = (770, 1336)
KEY_AMPLITUDE = 4000
KEY_S = 0.200
KEY_BEFORE_WORDS_S = 0.100
"""From its end to the first word."""


class Line(enum.Enum):
    WIDE = "wide"
    """PCM at 24 kHz, as over a WebSocket."""
    PCMU = "pcmu"
    PCMA = "pcma"
    TRUNK = "trunk"
    """PCMU of what the telephone network passes on."""
    KEYED = "keyed"
    """PCMU, with the tones of a key before the words."""

    @property
    def codec(self) -> Codec:
        return Codec.PCMA if self is Line.PCMA else Codec.PCMU


def packet_count(sentence: Sentence) -> int:
    """How many packets the sentence makes, without its tail."""
    return -(-len(sentence.samples) * CLOCK_RATE // 16_000 // FRAME_SAMPLES)


def hear(
    sentence: Sentence,
    line: Line,
    gone: Collection[int] = (),
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
    elif line is Line.KEYED:
        samples = with_key(samples)
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


def with_key(samples: Samples) -> Samples:
    """Samples at 8 kHz, with a key pressed in the pause before the words."""
    time = np.arange(round(KEY_S * CLOCK_RATE)) / CLOCK_RATE
    tones = KEY_AMPLITUDE / 2 * sum(np.sin(2 * np.pi * each * time) for each in KEY_HZ)
    end = round((BEFORE_MS / 1000 - KEY_BEFORE_WORDS_S) * CLOCK_RATE)
    keyed = samples.astype(np.float64)
    keyed[end - len(time) : end] += tones
    return np.asarray(keyed.clip(-32768, 32767), "<i2")


def over_network(samples: Samples) -> Samples:
    """What of samples at 8 kHz is left behind the network's filters."""
    frequencies = np.maximum(np.fft.rfftfreq(len(samples), 1 / CLOCK_RATE), 1.0)
    lowest, highest = TRUNK_HZ
    steep, steeper = TRUNK_SLOPES
    passed = (1 + (lowest / frequencies) ** steep) * (1 + (frequencies / highest) ** steeper)
    filtered = np.fft.irfft(np.fft.rfft(samples) / np.sqrt(passed), len(samples))
    return np.asarray(filtered.clip(-32768, 32767), "<i2")
