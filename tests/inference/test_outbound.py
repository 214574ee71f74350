"""What leaves a session, when, and what a cancellation takes back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon_proto.trunk import (
    UNSOLICITED,
    Done,
    DoneStatus,
    Event,
    ResponseStarted,
    SpeechStarted,
    TextDelta,
    ToolCallDelta,
    WordEnd,
    WordsSpoken,
)
from inference.engine_output import Audio
from inference.outbound import (
    LIVE_BACKLOG_MS,
    MAX_EVENTS,
    MAX_HELD_MS,
    Outbound,
    OutboundFrame,
    OutboundOverflowError,
)

RATE = 24_000
BYTES_PER_MS = 48
UNLIMITED = 1 << 30


def milliseconds(duration: int, value: int = 1) -> bytes:
    return bytes([value, 0]) * (duration * BYTES_PER_MS // 2)


@pytest.fixture
def outbound() -> Outbound:
    outbound = Outbound(RATE, 200, full_duplex=False)
    outbound.begin(1)
    return outbound


def audio_ms(taken: list[Event | OutboundFrame]) -> int:
    frames = [output for output in taken if isinstance(output, OutboundFrame)]
    return sum(len(frame.pcm) for frame in frames) // BYTES_PER_MS


def test_audio_beyond_the_credit_stays(outbound: Outbound) -> None:
    outbound.put(Audio(1, milliseconds(1000)))

    assert audio_ms(outbound.take(UNLIMITED)) == 200
    assert outbound.take(UNLIMITED) == []
    assert not outbound.has_sendable

    outbound.credit(1, 120)
    assert outbound.has_sendable
    assert outbound.take(UNLIMITED) == [OutboundFrame(1, 200 * RATE // 1000, milliseconds(120))]


def test_credit_never_shrinks(outbound: Outbound) -> None:
    outbound.put(Audio(1, milliseconds(1000)))
    outbound.credit(1, 300)
    outbound.credit(1, 100)

    assert audio_ms(outbound.take(UNLIMITED)) == 500


def test_done_follows_the_last_audio(outbound: Outbound) -> None:
    done = Done(1, DoneStatus.COMPLETED)
    outbound.put(Audio(1, milliseconds(300)))
    outbound.put(done)

    assert done not in outbound.take(UNLIMITED)
    outbound.credit(1, 100)
    assert outbound.take(UNLIMITED)[-1] == done


def test_events_pass_held_audio(outbound: Outbound) -> None:
    outbound.put(Audio(1, milliseconds(1000)))
    outbound.take(UNLIMITED)
    outbound.put(SpeechStarted(40))

    assert outbound.take(UNLIMITED) == [SpeechStarted(40)]


def test_started_text_and_words_come_before_the_audio(outbound: Outbound) -> None:
    outbound.put(ResponseStarted(1))
    outbound.put(TextDelta(1, "Hello"))
    outbound.put(Audio(1, milliseconds(20)))
    outbound.put(words := WordsSpoken(1, (WordEnd(5, 20),)))

    assert outbound.take(UNLIMITED) == [
        ResponseStarted(1),
        TextDelta(1, "Hello"),
        words,
        OutboundFrame(1, 0, milliseconds(20)),
    ]


def test_nothing_of_a_cancelled_response_leaves_but_its_done(outbound: Outbound) -> None:
    outbound.put(Audio(1, milliseconds(1000)))
    outbound.take(UNLIMITED)
    outbound.cancel(1)
    outbound.put(Audio(1, milliseconds(100)))
    outbound.put(TextDelta(1, "late"))
    outbound.put(WordsSpoken(1, (WordEnd(4, 100),)))
    outbound.credit(1, 1000)
    assert outbound.take(UNLIMITED) == []

    outbound.put(Done(1, DoneStatus.CANCELLED))
    assert outbound.take(UNLIMITED) == [Done(1, DoneStatus.CANCELLED)]
    assert outbound.stale_bytes == 900 * BYTES_PER_MS


def test_a_done_that_waited_behind_cancelled_audio_is_told_as_cancelled(
    outbound: Outbound,
) -> None:
    outbound.put(Audio(1, milliseconds(1000)))
    outbound.put(Done(1, DoneStatus.COMPLETED))
    outbound.cancel(1)
    outbound.put(Done(1, DoneStatus.CANCELLED))

    assert outbound.take(UNLIMITED) == [Done(1, DoneStatus.CANCELLED)]
    assert outbound.take(UNLIMITED) == []


def test_a_response_that_nobody_began_is_dropped(outbound: Outbound) -> None:
    outbound.put(ResponseStarted(7))
    outbound.put(Audio(7, milliseconds(20)))
    outbound.put(Done(7, DoneStatus.COMPLETED))

    assert outbound.take(UNLIMITED) == []


def test_a_new_response_starts_while_the_cancelled_one_ends(outbound: Outbound) -> None:
    outbound.put(Audio(1, milliseconds(1000)))
    outbound.cancel(1)
    outbound.begin(2)
    outbound.put(Audio(2, milliseconds(20, value=2)))
    outbound.put(Audio(1, milliseconds(20)))

    assert outbound.take(UNLIMITED) == [OutboundFrame(2, 0, milliseconds(20, value=2))]


def test_live_audio_needs_no_credit_and_does_not_grow_old() -> None:
    outbound = Outbound(RATE, 0, full_duplex=True)
    for value in range(LIVE_BACKLOG_MS // 20 + 5):
        outbound.put(Audio(UNSOLICITED, milliseconds(20, value)))

    frame = OutboundFrame(UNSOLICITED, 100 * RATE // 1000, milliseconds(20, value=5))
    (taken,) = outbound.take(UNLIMITED)
    assert isinstance(taken, OutboundFrame)
    assert (taken.response, taken.offset, taken.pcm[: len(frame.pcm)]) == frame
    assert outbound.stale_bytes == 100 * BYTES_PER_MS


def test_a_budget_cuts_between_samples(outbound: Outbound) -> None:
    outbound.put(Audio(1, milliseconds(20)))

    assert outbound.take(101) == [OutboundFrame(1, 0, milliseconds(20)[:100])]
    assert outbound.has_sendable


@pytest.mark.parametrize("output", [Audio(1, milliseconds(1000)), SpeechStarted(0)])
def test_what_piles_up_is_bounded(outbound: Outbound, output: Audio | SpeechStarted) -> None:
    for _ in range(MAX_HELD_MS // 1000 if isinstance(output, Audio) else MAX_EVENTS):
        outbound.put(output)
    with pytest.raises(OutboundOverflowError):
        outbound.put(output)


@given(st.lists(st.integers(1, 400), max_size=12), st.lists(st.integers(0, 3000), max_size=12))
def test_the_credit_is_never_exceeded_and_nothing_is_lost(
    chunks: list[int], credits: list[int]
) -> None:
    outbound = Outbound(RATE, 200, full_duplex=False)
    outbound.begin(1)
    stream = b"".join(milliseconds(size, index + 1) for index, size in enumerate(chunks))
    for index, size in enumerate(chunks):
        outbound.put(Audio(1, milliseconds(size, index + 1)))
    got, best = b"", 0
    for credit in [*credits, 10_000]:
        best = max(best, credit)
        outbound.credit(1, credit)
        for frame in outbound.take(UNLIMITED):
            assert isinstance(frame, OutboundFrame)
            assert frame.offset * 2 == len(got)
            got += frame.pcm
        assert len(got) <= (best + 200) * BYTES_PER_MS
    assert got == stream


def test_nothing_more_of_a_call_is_told_when_its_response_is_cancelled(outbound: Outbound) -> None:
    outbound.cancel(1)
    outbound.put(ToolCallDelta(1, "call", "look", "{"))
    assert outbound.take(UNLIMITED) == []
