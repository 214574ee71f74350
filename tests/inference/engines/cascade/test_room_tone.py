"""The recogniser's input: quieter, over a steady floor."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.engines.cascade.room_tone import FLOOR_RMS, GAIN, LOOP_SAMPLES, RoomTone

RATE = 16_000


def samples(pcm: bytes) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    return np.frombuffer(pcm, "<i2").astype(np.int64)


def test_silence_becomes_the_floor() -> None:
    floor = samples(RoomTone(RATE).mix(bytes(2 * LOOP_SAMPLES)))
    assert np.std(floor) == pytest.approx(FLOOR_RMS, rel=0.01)


def test_the_floor_falls_with_frequency() -> None:
    power = np.abs(np.fft.rfft(samples(RoomTone(RATE).mix(bytes(2 * LOOP_SAMPLES))))) ** 2
    low, high = power[500:2000].mean(), power[16_000:30_000].mean()
    assert low > 10 * high


@pytest.mark.parametrize("value", [-32768, 32767])
def test_the_loudest_speech_fits(value: int) -> None:
    mixed = samples(RoomTone(RATE).mix(np.full(LOOP_SAMPLES, value, "<i2").tobytes()))
    assert np.mean(mixed) == pytest.approx(value * GAIN, rel=0.01)


@given(st.lists(st.integers(0, 2000), max_size=8))
def test_cuts_make_no_difference(cuts: list[int]) -> None:
    pcm = np.arange(sum(cuts), dtype="<i2").tobytes()
    whole = RoomTone(RATE).mix(pcm)
    tone, pieces, start = RoomTone(RATE), b"", 0
    for cut in cuts:
        pieces += tone.mix(pcm[2 * start : 2 * (start + cut)])
        start += cut
    assert pieces == whole
