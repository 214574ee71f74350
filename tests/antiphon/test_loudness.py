import numpy as np
import pytest

from antiphon.loudness import STEP, audible, loudness, voiced_steps
from antiphon.wav import Samples


def noise(steps: int, amplitude: float) -> Samples:
    return np.random.default_rng(1).normal(0, amplitude, steps * STEP).astype(np.int16)


@pytest.mark.parametrize(("amplitude", "decibels"), [(3276.8, -20), (327.68, -40)])
def test_loudness_is_in_decibels_below_full_scale(amplitude: float, decibels: float) -> None:
    assert np.median(loudness(noise(100, amplitude))) == pytest.approx(decibels, abs=0.5)


def test_digital_silence_is_finite_and_inaudible() -> None:
    assert loudness(np.zeros(2 * STEP, dtype=np.int16)).tolist() == [-120, -120]
    assert not audible(np.zeros(2 * STEP, dtype=np.int16))


def test_one_loud_step_is_audible() -> None:
    assert audible(np.concatenate([noise(3, 0), noise(1, 1000)]))
    assert not audible(noise(4, 20))


def test_an_utterance_ends_with_its_sound_and_not_with_its_noise_floor() -> None:
    utterance = np.concatenate([noise(10, 90), noise(20, 8000), noise(30, 90)])
    assert np.flatnonzero(voiced_steps(utterance)).tolist() == list(range(10, 30))


@pytest.mark.parametrize("samples", [0, 1, STEP - 1])
def test_less_than_a_step_has_no_sound(samples: int) -> None:
    short = np.full(samples, 20_000, dtype=np.int16)
    assert voiced_steps(short).size == 0
    assert not audible(short)
