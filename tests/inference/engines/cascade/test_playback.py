"""Whether an answer is still played."""

from inference.engines.cascade.playback import UNREPORTED_MS, Playback


def test_an_answer_plays_from_its_first_report_to_about_its_end() -> None:
    playback = Playback()
    playback.made(1, 2000)
    assert not playback.going_on
    playback.played(1, 40)
    assert playback.going_on
    playback.played(1, 2000 - UNREPORTED_MS)
    assert not playback.going_on


def test_one_behind_another_is_still_to_come() -> None:
    playback = Playback()
    playback.made(1, 2000)
    playback.played(1, 1000)
    playback.made(2, 500)
    playback.played(1, 2000)
    assert playback.going_on
    playback.played(2, 500)
    assert not playback.going_on


def test_what_was_cut_plays_no_more() -> None:
    playback = Playback()
    playback.made(1, 2000)
    playback.played(1, 1000)
    playback.cut()
    assert not playback.going_on


def test_what_is_played_again_was_played_before() -> None:
    playback = Playback()
    playback.made(1, 2000)
    playback.played(1, 1960)
    playback.played(1, 1700)
    assert playback.going_on


def test_an_earlier_answer_that_was_made_later_ends_no_later_one() -> None:
    playback = Playback()
    playback.made(2, 2000)
    playback.played(2, 1000)
    playback.made(1, 100)
    assert playback.going_on
