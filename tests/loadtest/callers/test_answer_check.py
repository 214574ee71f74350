import numpy as np
import pytest
from numpy.typing import NDArray

from loadtest.callers.answer_check import FLOOR_DB, envelope, fits, is_echo

RATE = 8000


def speech_like(seed: int, seconds: float = 2.0) -> NDArray[np.int16]:
    """Noise whose loudness changes every 100 ms."""
    chance = np.random.default_rng(seed)
    loudness = np.repeat(chance.uniform(-50, -10, int(seconds * 10)), RATE // 10)
    noise = chance.normal(0, 1, len(loudness)) * 10 ** (loudness / 20) * 32768
    return np.clip(noise, -32768, 32767).astype(np.int16)


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


LATEST = 75
"""By how many frames an echo may be late."""


def compared(said: NDArray[np.int16], heard: NDArray[np.int16]) -> bool | None:
    """Whether that is its echo, if `said` began 1.5 s before it was heard."""
    end = LATEST + len(heard) // 160
    return is_echo(envelope(said, RATE)[:end], envelope(heard, RATE))


def echo_of(said: NDArray[np.int16], late_s: float, seconds: float = 2.5) -> NDArray[np.int16]:
    """What is heard from 1.5 s on."""
    begins = int((1.5 - late_s) * RATE)
    return said[begins : begins + int(seconds * RATE)].copy()


@pytest.mark.parametrize("late_s", [0.0, 0.1, 0.333, 1.5])
def test_an_echo_is_known_whatever_its_delay_loudness_and_quantisation(late_s: float) -> None:
    said = speech_like(1, 4.0)
    assert compared(said, echo_of((said // 4 // 64 * 64).astype(np.int16), late_s)) is True


def test_an_echo_is_known_with_gaps_in_it() -> None:
    said = speech_like(2, 4.0)
    heard = echo_of(said, 0.2)
    for frame in range(0, len(heard), 10 * 160):
        heard[frame : frame + 160] = 0
    assert compared(said, heard) is True


def test_an_echo_is_known_that_stalls() -> None:
    said = speech_like(4, 6.0)
    heard = echo_of(said, 0.1, 4.5)
    stalled = np.concatenate([heard[: 2 * RATE], np.zeros(RATE // 3, np.int16), heard[2 * RATE :]])
    assert compared(said, stalled[: int(4.5 * RATE)]) is True


@pytest.mark.parametrize("seed", range(20))
def test_something_else_is_no_echo(seed: int) -> None:
    assert compared(speech_like(seed, 4.0), speech_like(seed + 100, 2.5)) is False


def test_what_was_not_said_yet_is_no_echo() -> None:
    said = speech_like(5, 6.0)
    assert compared(said, echo_of(said, -1.0)) is False


def test_what_was_said_too_long_ago_is_no_echo() -> None:
    said = speech_like(5, 6.0)
    heard = echo_of(said, 0.0)
    assert (
        is_echo(envelope(said[3 * RATE :], RATE)[: len(heard) // 160], envelope(heard, RATE))
        is False
    )


def test_silence_is_no_echo() -> None:
    assert is_echo(envelope(speech_like(6, 4.0), RATE), np.full(100, FLOOR_DB)) is False


@pytest.mark.parametrize("heard_s", [0.0, 0.4])
def test_of_too_little_nothing_is_said(heard_s: float) -> None:
    said = envelope(speech_like(7), RATE)
    heard = envelope(speech_like(7, heard_s), RATE)
    assert is_echo(said, heard) is None
    assert is_echo(heard, said) is None
