"""What an engine tells of its words."""

from antiphon_proto.trunk import WordEnd
from transceiver.word_times import MAX_WORDS, WordTimes


def test_nothing_is_known_at_first() -> None:
    times = WordTimes()
    assert not times
    assert times.before(1000) == WordEnd(0, 0)
    assert times.after(0) is None


def test_what_does_not_advance_is_passed_over() -> None:
    times = WordTimes()
    times.add([WordEnd(5, 500), WordEnd(5, 600), WordEnd(9, 400), WordEnd(9, 900)])
    assert times.before(899) == WordEnd(5, 500)
    assert times.after(500) == WordEnd(9, 900)
    assert times.after(900) is None


def test_another_engine_goes_on_behind_what_was_heard() -> None:
    times = WordTimes()
    times.add([WordEnd(5, 500), WordEnd(9, 900)])
    times.restart(5, 700)
    times.add([WordEnd(4, 300)])
    assert times.after(500) == WordEnd(9, 1000)


def test_an_engine_that_tells_without_end_fills_nothing() -> None:
    times = WordTimes()
    times.add(WordEnd(end, end) for end in range(1, 2 * MAX_WORDS))
    assert times.before(1 << 30) == WordEnd(MAX_WORDS, MAX_WORDS)
