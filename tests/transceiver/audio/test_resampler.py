"""Tones through the resampler: there, on time, and nothing else."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transceiver.audio.resampler import Resampler

PAIRS = [
    (8000, 24000),
    (8000, 16000),
    (8000, 48000),
    (24000, 8000),
    (16000, 8000),
    (48000, 8000),
    (24000, 22050),
    (22050, 24000),
    (48000, 44100),
    (44100, 48000),
    (48000, 32000),
    (32000, 48000),
]
AMPLITUDE = 10000


def tone(rate: int, frequency: float, seconds: float = 0.5, delay_s: float = 0) -> np.ndarray:
    time = np.arange(int(rate * seconds)) / rate - delay_s
    return AMPLITUDE * np.sin(2 * np.pi * frequency * time)


def resample(resampler: Resampler, wave: np.ndarray, frame: int) -> np.ndarray:
    pcm = [wave[at : at + frame].astype("<i2").tobytes() for at in range(0, len(wave), frame)]
    return np.frombuffer(b"".join(map(resampler.resample, pcm)), "<i2").astype(float)


def decibels(wave: np.ndarray) -> float:
    """Over the tone."""
    return float(10 * np.log10(np.mean(wave**2) / (AMPLITUDE**2 / 2) + 1e-12))


@pytest.mark.parametrize(("from_rate", "to_rate"), PAIRS)
@pytest.mark.parametrize("frequency", [300, 1000, 3400])
def test_a_tone_comes_out_late_by_the_delay_and_else_unchanged(
    from_rate: int, to_rate: int, frequency: float
) -> None:
    resampler = Resampler(from_rate, to_rate)
    heard = resample(resampler, tone(from_rate, frequency), from_rate // 50)
    expected = tone(to_rate, frequency, delay_s=resampler.delay_s)
    # Without the start, where the tone is switched on.
    error = (heard - expected)[to_rate // 20 :]
    assert decibels(error) < (-35 if frequency > 3000 else -60)


@pytest.mark.parametrize("frequency", [4500, 5000, 7000, 11000])
def test_what_the_lower_rate_cannot_hold_is_gone(frequency: float) -> None:
    heard = resample(Resampler(24000, 8000), tone(24000, frequency), 480)
    assert decibels(heard[400:]) < -55


def test_the_delay_is_two_milliseconds_for_the_telephones_rate_and_less_for_others() -> None:
    assert Resampler(8000, 24000).delay_s == Resampler(24000, 8000).delay_s == 0.002
    assert Resampler(48000, 44100).delay_s < 0.0005
    assert Resampler(16000, 16000).delay_s == 0


@given(
    st.sampled_from([*PAIRS, (8000, 11025), (11025, 8000), (16000, 16000)]),
    st.lists(st.integers(0, 500), max_size=20),
)
def test_any_frames_make_exactly_the_samples_that_are_due(pair, frames) -> None:
    resampler = Resampler(*pair)
    samples = made = 0
    for frame in frames:
        due = resampler.due(frame)
        assert len(resampler.resample(bytes(2 * frame))) == 2 * due
        samples, made = samples + frame, made + due
        assert made == samples * pair[1] // pair[0]


@given(
    st.sampled_from(PAIRS), st.lists(st.integers(1, 300), min_size=1, max_size=8), st.integers(0)
)
def test_how_the_stream_is_cut_changes_nothing(pair, frames, seed) -> None:
    noise = np.random.default_rng(seed).integers(-20000, 20000, sum(frames)).astype("<i2")
    whole = Resampler(*pair).resample(noise.tobytes())
    resampler = Resampler(*pair)
    cut = np.split(noise, np.cumsum(frames)[:-1])
    parts = b"".join(resampler.resample(part.tobytes()) for part in cut)
    heard, expected = np.frombuffer(parts, "<i2"), np.frombuffer(whole, "<i2")
    assert np.abs(heard.astype(int) - expected).max(initial=0) <= 1  # Rounding.


def test_full_scale_does_not_wrap_around() -> None:
    """A square wave overshoots at its edges."""
    square = np.where(tone(8000, 500) > 0, 32767, -32768)
    heard = resample(Resampler(8000, 24000), square, 160)
    assert (heard.min(), heard.max()) == (-32768, 32767)
    expected = np.roll(np.repeat(square, 3), 48)
    held = np.convolve(np.abs(np.diff(expected, prepend=expected[0])), np.ones(7), "same") == 0
    assert (np.sign(heard) == np.sign(expected))[held][60:].all()


def test_another_stream_has_no_echo_of_the_last() -> None:
    resampler = Resampler(8000, 22050)
    resample(resampler, tone(8000, 440), 123)
    resampler.reset()
    assert not any(resampler.resample(bytes(640)))


@pytest.mark.parametrize("rates", [(0, 8000), (8000, 0), (-1, 8000)])
def test_a_rate_is_above_zero(rates) -> None:
    with pytest.raises(ValueError, match="cannot resample"):
        Resampler(*rates)
