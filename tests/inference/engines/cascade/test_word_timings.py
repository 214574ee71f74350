"""Where words end."""

import numpy as np

from inference.engines.cascade.word_timings import WordBoundary, WordTimings


def sound(samples: int) -> np.ndarray:
    return np.full(samples, 5000, np.int16)


def silence(samples: int) -> np.ndarray:
    return np.zeros(samples, np.int16)


def test_a_word_ends_with_its_sound_and_not_with_the_pause_behind_it() -> None:
    words = WordTimings("Well, then.")
    words.hear(np.concatenate([sound(100), silence(50)]))
    assert words.begin(0, 0) is None
    words.hear(np.concatenate([silence(50), sound(70)]))
    assert words.begin(6, 200) == WordBoundary(text_end=5, sample=100)
    words.hear(silence(30))
    assert words.finish() == WordBoundary(text_end=11, sample=270)


def test_without_a_pause_it_ends_where_the_next_begins() -> None:
    words = WordTimings("one two")
    words.hear(sound(100))
    words.begin(0, 0)
    assert words.begin(4, 40) == WordBoundary(3, 40)


def test_what_is_spoken_as_two_words_but_written_as_one_ends_once() -> None:
    words = WordTimings("12:30 now")
    words.hear(sound(100))
    assert words.begin(0, 0) is None
    assert words.begin(3, 20) is None
    assert words.begin(6, 60) == WordBoundary(5, 60)


def test_what_is_written_as_two_words_but_spoken_as_one_ends_together() -> None:
    words = WordTimings("of the cat")
    words.hear(sound(100))
    words.begin(0, 0)
    assert words.begin(7, 50) == WordBoundary(6, 50)


def test_nothing_spoken_has_no_words() -> None:
    words = WordTimings("...")
    assert words.finish() is None
