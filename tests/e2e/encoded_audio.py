"""Speech as RTP payloads, and what payloads sound like, by FFmpeg's codecs and not by ours."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from av import AudioFrame, AudioResampler, CodecContext, Packet

from antiphon.wav import RATE, Samples

LIKENESS_RATE = 8000
"""At which sounds are compared: most of speech is below 4 kHz, and all of telephony."""

_WINDOW_S = 0.4
_QUIET = 200.0


@dataclass(frozen=True, slots=True)
class RtpCodec:
    """A codec by its name in SDP."""

    name: str
    clock_rate: int
    encoder: str
    decoder: str
    options: dict[str, str] = field(default_factory=dict)


OPUS = RtpCodec(
    "opus",
    48000,
    "libopus",
    "libopus",
    {"application": "voip", "fec": "1", "packet_loss": "10", "b": "32000"},
)
PCMU = RtpCodec("PCMU", 8000, "pcm_mulaw", "pcm_mulaw")
PCMA = RtpCodec("PCMA", 8000, "pcm_alaw", "pcm_alaw")


def encoded(samples: Samples, codec: RtpCodec, frame_ms: int = 20) -> list[bytes]:
    """Mono samples at `RATE` as payloads of `frame_ms` each; the last is filled with silence."""
    options = {**codec.options, "frame_duration": str(frame_ms)}
    context = CodecContext.create(codec.encoder, "w")
    context.sample_rate, context.layout, context.format = codec.clock_rate, "mono", "s16"
    context.options = options if codec.options else {}
    frame_size = codec.clock_rate * frame_ms // 1000
    source = resampled(samples, RATE, codec.clock_rate)
    source = np.pad(source, (0, -len(source) % frame_size))
    payloads = []
    for start in range(0, len(source), frame_size):
        frame = audio_frame(source[start : start + frame_size], codec.clock_rate)
        payloads += [bytes(packet) for packet in context.encode(frame)]
    return payloads


def decoded(packets: Sequence[tuple[int, bytes]], codec: RtpCodec) -> Samples:
    """What timestamps and payloads sound like, each at its time, at `LIKENESS_RATE`."""
    context = CodecContext.create(codec.decoder, "r")
    context.sample_rate, context.layout = codec.clock_rate, "mono"
    pieces = []
    for timestamp, payload in packets:
        at = timestamp - packets[0][0] & 0xFFFFFFFF
        for frame in context.decode(Packet(payload)):
            pieces.append((at, mono(frame)))
    length = max((at + len(piece) for at, piece in pieces), default=0)
    heard = np.zeros(length, dtype=np.int16)
    for at, piece in pieces:
        heard[at : at + len(piece)] = piece
    return resampled(heard, codec.clock_rate, LIKENESS_RATE)


def likeness(said: Samples, heard: Samples) -> float:
    """How much of what was said, at `RATE`, is in what was heard: 1 is all, in its waveform.

    It is the median over windows of speech of the correlation where each fits best.
    """
    window = round(_WINDOW_S * LIKENESS_RATE)
    source = resampled(said, RATE, LIKENESS_RATE).astype(np.float64)
    target = np.pad(heard.astype(np.float64), (window, window))
    windows = [source[at : at + window] for at in range(0, len(source) - window, window)]
    fits = [best_fit(each, target) for each in windows if np.std(each) > _QUIET]
    return float(np.median(fits))


def best_fit(piece: np.ndarray, target: np.ndarray) -> float:
    """The highest normalised correlation of `piece` with any part of `target`."""
    size = len(target) + len(piece)
    spectrum = np.fft.rfft(target, size) * np.conj(np.fft.rfft(piece, size))
    products = np.fft.irfft(spectrum, size)[: len(target) - len(piece) + 1]
    energies = np.convolve(target**2, np.ones(len(piece)), mode="valid")
    floor = len(piece) * _QUIET**2
    return float(np.max(products / np.sqrt(np.maximum(energies, floor) * np.sum(piece**2))))


def resampled(samples: Samples, rate: int, to_rate: int) -> Samples:
    """Mono samples at another rate."""
    resampler = AudioResampler(format="s16", layout="mono", rate=to_rate)
    frames = [*resampler.resample(audio_frame(samples, rate)), *resampler.resample(None)]
    return np.concatenate([frame.to_ndarray().reshape(-1) for frame in frames])


def audio_frame(samples: Samples, rate: int) -> AudioFrame:
    frame = AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
    frame.sample_rate = rate
    return frame


def mono(frame: AudioFrame) -> Samples:
    resampler = AudioResampler(format="s16", layout="mono", rate=frame.sample_rate)
    pieces = resampler.resample(frame)
    return np.concatenate([piece.to_ndarray().reshape(-1) for piece in pieces])
