import numpy as np
import pytest
from numpy.typing import NDArray

from loadtest.callers.answer_check import FLOOR_DB, envelope, fits, is_echo, likeness

RATE = 8000


def speech_like(seed: int, seconds: float = 2.0) -> NDArray[np.int16]:
    """Noise whose loudness changes every 100 ms."""
    chance = np.random.default_rng(seed)
    loudness = np.repeat(chance.uniform(-50, -10, int(seconds * 10)), RATE // 10)
    noise = chance.normal(0, 1, len(loudness)) * 10 ** (loudness / 20) * 32768
    return np.clip(noise, -32768, 32767).astype(np.int16)


def delayed(samples: NDArray[np.int16], seconds: float) -> NDArray[np.int16]:
    return np.concatenate([np.zeros(int(seconds * RATE), np.int16), samples])


@pytest.mark.parametrize(
    ("transcript", "fitting"),
    [("It is four.", True), ("FOUR", True), ("I do not know", False), ("", False)],
)
def test_a_transcript_is_held_to_the_expression(transcript: str, fitting: bool) -> None:
    assert fits(transcript, r"\b(four|4)\b") is fitting


def test_loudness_is_told_for_each_20_ms() -> None:
    square = np.tile(np.array([16384, -16384], np.int16), 3 * 80)
    loudness = envelope(np.concatenate([square, np.zeros(160 + 159, np.int16)]), RATE)
    assert loudness == pytest.approx([-6.02, -6.02, -6.02, FLOOR_DB], abs=0.01)


def test_an_echo_is_known_whatever_its_delay_loudness_and_quantisation() -> None:
    said = speech_like(1)
    heard = delayed((said // 4 // 64 * 64).astype(np.int16), 0.33)
    assert is_echo(envelope(said, RATE), envelope(heard, RATE)) is True


def test_an_echo_is_known_with_gaps_in_it() -> None:
    said = speech_like(2)
    heard = said.copy()
    for frame in range(0, len(heard), 10 * 160):
        heard[frame : frame + 160] = 0
    assert is_echo(envelope(said, RATE), envelope(delayed(heard, 0.1), RATE)) is True


def test_an_echo_whose_end_is_cut_off_is_one() -> None:
    said = envelope(speech_like(3), RATE)
    assert is_echo(said, said[: len(said) * 3 // 4]) is True


def test_an_echo_whose_begin_was_missed_is_one() -> None:
    said = envelope(speech_like(4), RATE)
    assert is_echo(said, said[20:]) is True


@pytest.mark.parametrize("seed", range(10))
def test_something_else_is_no_echo(seed: int) -> None:
    said, other = envelope(speech_like(seed), RATE), envelope(speech_like(seed + 100, 4.0), RATE)
    assert is_echo(said, other) is False


def test_an_echo_that_is_later_than_it_may_be_is_none() -> None:
    said, heard = speech_like(5), delayed(speech_like(5), 1.0)
    assert is_echo(envelope(said, RATE), envelope(heard, RATE), most_delay=10) is False


def test_silence_is_no_echo() -> None:
    said = envelope(speech_like(6), RATE)
    assert likeness(said, np.full(100, FLOOR_DB)) == 0.0


def test_of_too_little_nothing_is_said() -> None:
    short = envelope(speech_like(7, 0.4), RATE)
    assert is_echo(short, short) is None
    assert is_echo(envelope(speech_like(7), RATE), short) is None
