"""What ways to change a call's sampling rate cost, delay and spoil: `python -m bench.resamplers`.

Each is fed frames of 20 ms. Takes some seconds.

- us: CPU time a frame, the fastest of `RUNS`;
- late: how much of the sound that was fed did not come out yet, at worst, and how far what
  came out is shifted, together, in ms;
- purity: a tone of `TONE` of the lower rate over all else that comes out with it, in dB.
"""

import math
import time
from collections.abc import Callable, Iterator

import av
import numpy as np
import soxr
from numpy.typing import NDArray

from bench.figures import publish
from bench.tables import Table, as_text
from transceiver.audio.resampler import Resampler

PAIRS = ((8000, 24000), (24000, 8000), (24000, 22050), (48000, 44100))
FRAMES = 200
RUNS = 5
AMPLITUDE = 10000
TONE = 0.4

Pcm = NDArray[np.int16]
Resample = Callable[[Pcm], Pcm]
"""Takes a frame, and gives what is ready."""


def ours(rate: int, to_rate: int) -> Resample:
    resampler = Resampler(rate, to_rate)
    return lambda pcm: np.frombuffer(resampler.resample(pcm.tobytes()), "<i2")


def by_soxr(quality: str) -> Callable[[int, int], Resample]:
    def make(rate: int, to_rate: int) -> Resample:
        stream = soxr.ResampleStream(rate, to_rate, 1, dtype="int16", quality=quality)
        return lambda pcm: stream.resample_chunk(pcm)

    return make


def by_libswresample(rate: int, to_rate: int) -> Resample:
    resampler = av.AudioResampler("s16", "mono", to_rate)

    def resample(pcm: Pcm) -> Pcm:
        frame = av.AudioFrame.from_ndarray(pcm.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = rate
        pieces = [each.to_ndarray()[0] for each in resampler.resample(frame)]
        return np.concatenate(pieces) if pieces else np.zeros(0, np.int16)

    return resample


WAYS: dict[str, Callable[[int, int], Resample]] = {
    "ours": ours,
    "libswresample": by_libswresample,
    "soxr_hq": by_soxr("HQ"),
    "soxr_lq": by_soxr("LQ"),
    "soxr_qq": by_soxr("QQ"),
}


def frames(rate: int, frequency: float) -> list[Pcm]:
    wave = AMPLITUDE * np.sin(2 * np.pi * frequency * np.arange(FRAMES * rate // 50) / rate)
    return np.split(wave.astype(np.int16), FRAMES)


def measure(make: Callable[[int, int], Resample], rate: int, to_rate: int) -> Iterator[float]:
    """Microseconds a frame, lateness in ms, purity in dB."""
    frequency = TONE * min(rate, to_rate)
    fed = frames(rate, frequency)
    fastest = float("inf")
    for _ in range(RUNS):
        resample = make(rate, to_rate)
        start = time.process_time()
        for frame in fed:
            resample(frame)
        fastest = min(fastest, time.process_time() - start)
    yield 1e6 * fastest / FRAMES

    sound, missing = through(make(rate, to_rate), fed, to_rate)
    silent = [np.zeros_like(frame) for frame in fed]
    silent[FRAMES // 2][0] = 3 * AMPLITUDE
    click, _missing = through(make(rate, to_rate), silent, to_rate)
    shift = int(np.argmax(click)) / to_rate - FRAMES // 2 / 50
    yield 1000 * (missing / to_rate + shift)

    steady = sound[to_rate // 2 : to_rate // 2 + to_rate].astype(float)
    angles = 2 * np.pi * frequency * np.arange(len(steady)) / to_rate
    tones = np.stack((np.sin(angles), np.cos(angles)), axis=1)
    tone = tones @ np.linalg.lstsq(tones, steady)[0]
    yield 10 * math.log10(np.mean(tone**2) / np.mean((steady - tone) ** 2))


def through(resample: Resample, fed: list[Pcm], to_rate: int) -> tuple[Pcm, float]:
    """All that comes out, and the most samples that were missing after a frame."""
    came, missing = [np.zeros(0, np.int16)], 0.0
    for index, frame in enumerate(fed):
        came.append(resample(frame))
        missing = max(missing, (index + 1) * to_rate / 50 - sum(map(len, came)))
    return np.concatenate(came), missing


def table(figures: dict[str, float | str]) -> Table:
    rows = [["Hz", "way", "us", "late", "purity"]]
    for rate, to_rate in PAIRS:
        for way in WAYS:
            keys = (f"{way}.{rate}_{to_rate}.{name}" for name in ("us", "late_ms", "purity_db"))
            rows.append([f"{rate} to {to_rate}", way, *(str(figures[key]) for key in keys)])
    return rows


def main() -> None:
    figures: dict[str, float | str] = {}
    for rate, to_rate in PAIRS:
        for way, make in WAYS.items():
            names = ("us", "late_ms", "purity_db")
            for name, value in zip(names, measure(make, rate, to_rate), strict=True):
                figures[f"{way}.{rate}_{to_rate}.{name}"] = round(value, 1)
    publish("resamplers", figures)
    print(as_text(table(figures)))


if __name__ == "__main__":
    main()
