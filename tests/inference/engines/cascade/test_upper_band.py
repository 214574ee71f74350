"""Speech from a telephone gets an upper band; other speech is left alone."""

import numpy as np
import pytest
import soxr
from hypothesis import given
from hypothesis import strategies as st

from inference.engines.cascade.upper_band import HOP_BYTES, HOP_SAMPLES, RATE, UpperBand
from tests.inference.user_voice import user_voice

Samples = np.ndarray[tuple[int], np.dtype[np.float64]]
SECOND = 100 * HOP_SAMPLES


def telephone(pcm: bytes) -> bytes:
    """What is left of it over a line of 8 kHz."""
    line = soxr.resample(np.frombuffer(pcm, "<i2"), RATE, 8000)
    return soxr.resample(line, 8000, RATE).astype("<i2").tobytes()


def power(pcm: bytes, low: float, high: float) -> float:
    spectrum = np.abs(np.fft.rfft(np.frombuffer(pcm, "<i2").astype(float))) ** 2
    frequencies = np.fft.rfftfreq(len(pcm) // 2, 1 / RATE)
    return float(spectrum[(frequencies >= low) & (frequencies < high)].sum())


@pytest.fixture(scope="module")
def spoken() -> bytes:
    pcm = user_voice().say("set a timer for sixty six seconds")
    return pcm[: len(pcm) // HOP_BYTES * HOP_BYTES]


def test_speech_with_a_band_of_its_own_is_left_alone(spoken: bytes) -> None:
    assert UpperBand().extend(spoken) == spoken


def test_speech_from_a_telephone_gets_about_the_band_that_was_cut_off(spoken: bytes) -> None:
    line = telephone(spoken)
    extended = UpperBand().extend(line)
    assert power(line, 4300, 6800) < 1e-4 * power(spoken, 4300, 6800)
    assert 0.1 < power(extended, 4300, 6800) / power(spoken, 4300, 6800) < 10


def test_the_band_that_was_there_stays_as_it_was(spoken: bytes) -> None:
    line = telephone(spoken)
    added = np.frombuffer(UpperBand().extend(line), "<i2").astype(int) - np.frombuffer(line, "<i2")
    assert power(added.astype("<i2").tobytes(), 0, 3300) < 1e-3 * power(line, 0, 3300)


def test_fricatives_get_more_than_vowels() -> None:
    """Of the same power in the telephone's band, the upward slope of one and a vowel's."""
    random = np.random.default_rng(0)
    frequencies = np.fft.rfftfreq(SECOND, 1 / RATE)

    def above(slope: float) -> float:
        shape = np.maximum(frequencies, 100.0) ** slope * (frequencies < 3500)
        noise = np.fft.irfft(np.fft.rfft(random.standard_normal(SECOND)) * shape)
        pcm = (1000 * noise / noise.std()).astype("<i2").tobytes()
        return power(UpperBand().extend(pcm), 4300, 6800)

    assert above(2.0) > 20 * above(-2.0)


def test_silence_stays_silence() -> None:
    assert UpperBand().extend(bytes(2 * SECOND)) == bytes(2 * SECOND)


def test_the_loudest_speech_is_clipped() -> None:
    line = telephone(np.tile(np.repeat([32767, -32768], 8), SECOND // 16).astype("<i2").tobytes())
    extended = np.frombuffer(UpperBand().extend(line), "<i2").astype(int)
    assert np.abs(extended - np.frombuffer(line, "<i2")).max() < 32768


def test_a_line_is_known_from_one_utterance_to_the_next(spoken: bytes) -> None:
    band = UpperBand()
    assert band.extend(telephone(spoken))
    band.begin()
    assert band.is_telephone
    band.begin()
    band.extend(spoken)
    assert not band.is_telephone


@given(st.lists(st.integers(0, 700), max_size=12))
def test_cuts_make_no_difference(cuts: list[int]) -> None:
    """But for the last 10 ms, which wait."""
    count = sum(cuts)
    wave = 3000 * np.sin(2 * np.pi * 440 * np.arange(count) / RATE)
    pcm = wave.astype("<i2").tobytes()
    whole = UpperBand().extend(pcm)
    band, pieces, start = UpperBand(), b"", 0
    for cut in cuts:
        pieces += band.extend(pcm[2 * start : 2 * (start + cut)])
        start += cut
    assert len(pieces) == len(whole) == len(pcm) // HOP_BYTES * HOP_BYTES
    # Products of matrices of other sizes round in another way.
    difference = np.frombuffer(pieces, "<i2").astype(int) - np.frombuffer(whole, "<i2")
    assert np.abs(difference).max(initial=0) <= 1
