import pytest

from loadtest.callers.websocket.playout import Playout
from loadtest.measures.measures import Measures
from loadtest.measures.names import Count, Latency

ON_SCHEDULE_S = 0.02


def playout() -> tuple[Playout, Measures]:
    measures = Measures()
    return Playout(measures, on_schedule_s=ON_SCHEDULE_S), measures


def counts(measures: Measures) -> tuple[int, int]:
    """Frames received, and those of them on schedule."""
    found = measures.take(0).counts
    return found.get(Count.FRAMES_RECEIVED, 0), found.get(Count.FRAMES_ON_SCHEDULE, 0)


def test_what_comes_faster_than_it_is_spoken_is_on_schedule() -> None:
    playing, measures = playout()
    for piece in range(10):
        playing.received("a", 0.1, 5.0 + piece * 0.01)
    playing.settle()
    assert counts(measures) == (50, 50)
    assert (playing.playing(5.99), playing.playing(6.01)) == (True, False)


def test_an_answer_that_runs_dry_is_as_late_as_the_gap() -> None:
    playing, measures = playout()
    playing.received("a", 0.1, 5.0)
    playing.received("a", 0.1, 5.15)
    playing.settle()
    interval = measures.take(0)
    # The five frames of the second piece were due at 5.10, 5.12, 5.14, 5.16 and 5.18.
    assert interval.counts[Count.FRAMES_ON_SCHEDULE] == 5 + 3
    assert interval.latencies[Latency.FRAME_LATENESS].maximum == pytest.approx(0.05, rel=0.01)
    assert playing.playing(5.24)


def test_what_follows_a_gap_is_due_later() -> None:
    playing, measures = playout()
    playing.received("a", 0.1, 5.0)
    playing.received("a", 0.1, 5.3)
    measures.take(0)
    playing.settle()
    measures.take(0)
    playing.received("a", 0.1, 5.39)
    playing.settle()
    assert counts(measures) == (5, 5)


def test_silence_between_answers_is_no_gap() -> None:
    playing, measures = playout()
    playing.received("a", 0.1, 5.0)
    playing.received("b", 0.1, 9.0)
    playing.settle()
    assert counts(measures) == (10, 10)


def test_another_answer_waits_for_the_one_that_plays() -> None:
    playing, _ = playout()
    playing.received("a", 1.0, 5.0)
    playing.received("b", 1.0, 5.1)
    assert playing.dry_at == pytest.approx(7.0)
    assert playing.played_s(6.5) == pytest.approx(0.5)


def test_an_interruption_ends_it() -> None:
    playing, _ = playout()
    playing.received("a", 2.0, 5.0)
    assert playing.played_s(5.7) == pytest.approx(0.7)
    playing.fall_silent(5.7)
    assert not playing.playing(5.7)
    assert playing.played_s(9.0) == pytest.approx(0.7)


def test_pieces_of_any_length_are_counted_by_frames() -> None:
    playing, measures = playout()
    for _ in range(100):
        playing.received("a", 0.007, 5.0)
    playing.settle()
    assert counts(measures) == (35, 35)
