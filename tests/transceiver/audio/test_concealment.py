"""Lost frames of a voice: what is guessed for them is like what was said."""

import numpy as np
import pytest

from transceiver.audio.concealment import Concealment

RATE = 8000
FRAME = RATE // 50


def voiced(pitch: float, seconds: float = 1.0) -> np.ndarray:
    """A steady vowel: harmonics of one pitch, as loud as speech."""
    time = np.arange(int(RATE * seconds)) / RATE
    harmonics = range(1, int(3400 / pitch))
    wave = sum(np.sin(2 * np.pi * pitch * k * time + k * k) / k for k in harmonics)
    return (3000 * np.asarray(wave)).astype(np.int16)


def through(wave: np.ndarray, lost: set[int]) -> np.ndarray:
    concealment = Concealment(RATE)
    frames = [wave[at : at + FRAME] for at in range(0, len(wave), FRAME)]
    return np.concatenate(
        [
            concealment.conceal(len(frame)) if index in lost else concealment.follow(frame)
            for index, frame in enumerate(frames)
        ]
    )


def snr(wave: np.ndarray, heard: np.ndarray) -> float:
    wanted, noise = wave.astype(float), heard.astype(float) - wave
    return 10 * np.log10(np.mean(wanted**2) / np.mean(noise**2))


def test_nothing_lost_nothing_changed() -> None:
    wave = voiced(120)
    assert (through(wave, set()) == wave).all()


@pytest.mark.parametrize("pitch", [80.0, 125.0, 160.0])
def test_a_lost_frame_of_a_vowel_goes_on_with_its_pitch(pitch: float) -> None:
    wave = voiced(pitch)
    lost = {12, 25, 38}
    gaps = np.isin(np.arange(len(wave)) // FRAME, list(lost))
    silenced = np.where(gaps, 0, wave)
    assert snr(wave, through(wave, lost)) > snr(wave, silenced) + 10


def test_a_long_gap_fades_into_silence() -> None:
    heard = through(voiced(125), {20, 21, 22, 23, 24})
    levels = [np.abs(heard[at * FRAME : (at + 1) * FRAME]).max() for at in range(19, 25)]
    assert levels[0] > 1000
    assert levels == sorted(levels, reverse=True)
    assert levels[4] == levels[5] == 0


def test_the_guess_leads_into_what_follows() -> None:
    """The step at the end of the gap is none that the voice does not make itself."""
    wave = voiced(125)
    heard = through(wave, {20, 21}).astype(int)
    end = 22 * FRAME
    steepest = np.abs(np.diff(wave.astype(int))).max()
    assert np.abs(np.diff(heard[end - 2 : end + 2])).max() <= steepest


def test_one_frame_at_a_time_or_all_at_once() -> None:
    past = voiced(125, 0.1)
    whole, parts = Concealment(RATE), Concealment(RATE)
    whole.follow(past)
    parts.follow(past)
    at_once = whole.conceal(400)
    assert (np.concatenate([parts.conceal(n) for n in (1, 159, 160, 80)]) == at_once).all()


def test_a_gap_without_a_past_is_silence() -> None:
    assert not Concealment(RATE).conceal(FRAME).any()


def between(wave: np.ndarray, start: int, frames: int) -> np.ndarray:
    """The wave, with a gap of so many frames filled from both of its sides."""
    concealment = Concealment(RATE)
    concealment.follow(wave[: start * FRAME])
    end = wave[(start + frames) * FRAME :]
    joined = concealment.join(frames * FRAME, end[:FRAME])
    assert (concealment.follow(end[:FRAME]) == end[:FRAME]).all(), "it ends where that begins"
    return np.concatenate((wave[: start * FRAME], joined, end))


def test_a_gap_between_two_voices_is_filled_from_both() -> None:
    """The pitch before it is not the pitch after it."""
    wave = np.concatenate((voiced(125, 0.41), voiced(160, 0.59)))
    one_sided, two_sided = through(wave, {20, 21}), between(wave, 20, 2)
    gap = slice(20 * FRAME, 22 * FRAME)
    assert snr(wave[gap], two_sided[gap]) > snr(wave[gap], one_sided[gap]) + 1.5


@pytest.mark.parametrize("frames", [1, 2, 3, 5])
def test_a_filled_gap_leads_from_what_was_to_what_follows(frames: int) -> None:
    wave = np.concatenate((voiced(125, 0.4), voiced(160, 0.6)))
    heard = between(wave, 20, frames).astype(int)
    steepest = np.abs(np.diff(wave[: 20 * FRAME].astype(int))).max()
    for edge in (20 * FRAME, (20 + frames) * FRAME):
        assert np.abs(np.diff(heard[edge - 2 : edge + 2])).max() <= steepest


def test_a_gap_whose_end_tells_no_pitch_is_filled_from_its_beginning() -> None:
    wave = voiced(125)
    forward, joined = Concealment(RATE), Concealment(RATE)
    forward.follow(wave[: 20 * FRAME])
    joined.follow(wave[: 20 * FRAME])
    end = wave[21 * FRAME :][:80]
    assert (forward.conceal(FRAME) == joined.join(FRAME, end)).all()
    assert (forward.follow(end) == joined.follow(end)).all()
