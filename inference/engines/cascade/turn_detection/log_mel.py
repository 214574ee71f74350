"""Sound as Whisper's encoder takes it: a log-mel spectrogram of 80 bands, 100 frames a second.

Equal to `WhisperFeatureExtractor(do_normalize=True)` of Hugging Face's transformers, which
is what end-of-turn models were trained with, and which needs far more than numpy.
https://github.com/openai/whisper/blob/main/whisper/audio.py
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE = 16_000
BANDS = 80
FFT_SAMPLES = 400
HOP_SAMPLES = 160

FLOOR = 1e-10
DYNAMIC_RANGE = 8.0
"""Powers of ten below the loudest that are told apart."""

LINEAR_MEL_HZ = 200 / 3
"""Width of a mel in Slaney's scale, which is linear up to 1 kHz, and logarithmic from there."""
LOG_FROM_HZ = 1000.0
LOG_FROM_MEL = LOG_FROM_HZ / LINEAR_MEL_HZ
LOG_STEP = np.log(6.4) / 27

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]


def log_mel(samples: Floats) -> Floats:
    """Samples (N,), N a multiple of HOP_SAMPLES, as (BANDS, N / HOP_SAMPLES)."""
    power = _power_spectrogram(_standardised(samples))
    mel = np.log10(np.maximum(_filters() @ power, FLOOR))
    mel = np.maximum(mel, mel.max() - DYNAMIC_RANGE)
    return np.asarray((mel + 4.0) / 4.0, np.float32)


def standardised(samples: Floats) -> Floats:
    """With a mean of 0 and a variance of 1."""
    return np.asarray(_standardised(samples), np.float32)


def _standardised(samples: Floats) -> Doubles:
    wide = samples.astype(np.float64)
    return np.asarray((wide - wide.mean()) / np.sqrt(wide.var() + 1e-7))


def _power_spectrogram(samples: Doubles) -> Doubles:
    """(FFT_SAMPLES / 2 + 1, frames), frames centred on multiples of the hop, without the last."""
    padded = np.pad(samples, FFT_SAMPLES // 2, mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, FFT_SAMPLES)[::HOP_SAMPLES][:-1]
    spectrum = np.fft.rfft(windows * np.hanning(FFT_SAMPLES + 1)[:-1])
    return np.asarray((spectrum.real**2 + spectrum.imag**2).T)


@cache
def _filters() -> Doubles:
    """Triangles of equal area on Slaney's mel scale, (BANDS, FFT_SAMPLES / 2 + 1)."""
    frequencies = np.linspace(0, SAMPLE_RATE / 2, FFT_SAMPLES // 2 + 1)
    edges = _mel_to_hz(np.linspace(0, _hz_to_mel(SAMPLE_RATE / 2), BANDS + 2))
    low, centre, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rising = (frequencies - low) / (centre - low)
    falling = (high - frequencies) / (high - centre)
    return np.asarray(np.maximum(0, np.minimum(rising, falling)) * 2 / (high - low))


def _hz_to_mel(frequency: float) -> float:
    """Of a frequency above LOG_FROM_HZ."""
    return float(LOG_FROM_MEL + np.log(frequency / LOG_FROM_HZ) / LOG_STEP)


def _mel_to_hz(mels: Doubles) -> Doubles:
    logarithmic = LOG_FROM_HZ * np.exp(LOG_STEP * (mels - LOG_FROM_MEL))
    return np.where(mels < LOG_FROM_MEL, mels * LINEAR_MEL_HZ, logarithmic)
