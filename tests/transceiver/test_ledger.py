"""The account of a turn: additive, never negative, exact."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon_proto.trunk import Stage, StageTime
from transceiver.forwarded_frames import FRAMES_KEPT
from transceiver.ledger import TURNS_KEPT, LatencyLedger, TurnAccount

STAGES_MS = {
    Stage.TURN_ENDED: 500,
    Stage.TRANSCRIPT_FINAL: 530,
    Stage.RESPOND: 534,
    Stage.FIRST_TEXT: 684,
    Stage.FIRST_AUDIO: 764,
}


def stages(**changes_ms: int | None) -> list[StageTime]:
    times = {stage: changes_ms.get(stage.value, ms) for stage, ms in STAGES_MS.items()}
    return [StageTime(stage, ms * 1000) for stage, ms in times.items() if ms is not None]


def account(
    reported: list[StageTime], *, audio_at: float = 10.770, rtt_s: float | None = 0.050
) -> TurnAccount:
    """The frame of the last voiced sample goes to the engine at 10.0 s."""
    ledger = LatencyLedger()
    for index in range(10):
        ledger.frame_forwarded(index * 20, 0.015, 10.0 + (index - 5) * 0.020)
    ledger.turn_ended(120, now=10.503)
    ledger.responding(1)
    ledger.first_audio(1, audio_at)
    ledger.first_audio(1, audio_at + 1)
    ledger.first_frame_sent(1, audio_at + 0.012)
    ledger.first_frame_sent(1, audio_at + 1)
    ledger.done(1, reported)
    turn = ledger.turn(1, rtt_s)
    assert turn is not None
    return turn.account


def test_every_part_of_a_turn() -> None:
    assert account(stages()) == TurnAccount(
        uplink_wait=15,
        endpointing=500,
        asr=30,
        brain=150,
        tts=80,
        trunk=4 + 6,
        pacing=12,
        transport=50,
    )


def test_the_parts_sum_to_what_was_measured() -> None:
    assert account(stages()).total_ms == 50 + 15 + 770 + 12


@pytest.mark.parametrize(
    ("missing", "part", "next_part"),
    [
        ("transcript_final", "asr", "trunk"),
        ("first_text", "brain", "tts"),
        ("first_audio", "tts", "trunk"),
    ],
)
def test_a_missing_stage_gives_its_time_to_the_next(
    missing: str, part: str, next_part: str
) -> None:
    whole, folded = account(stages()).parts_ms(), account(stages(**{missing: None})).parts_ms()
    assert folded[part] == 0
    assert folded[next_part] == whole[part] + whole[next_part]
    assert sum(folded.values()) == sum(whole.values())


def test_without_any_stage_our_own_clock_bounds_endpointing() -> None:
    parts = account([]).parts_ms()
    assert parts["endpointing"] == 503
    assert parts["trunk"] == 770 - 503


def test_an_engine_that_anticipates_spent_no_time_after_being_asked() -> None:
    parts = account(stages(first_text=300, first_audio=400)).parts_ms()
    assert (parts["brain"], parts["tts"]) == (0, 0)
    assert parts["trunk"] == (534 - 530) + (770 - 534)


def test_an_engine_that_claims_more_than_we_measured_is_cut_to_it() -> None:
    assert account(stages(first_audio=5000)).total_ms == account(stages()).total_ms


def test_no_round_trip_time_is_none() -> None:
    assert account(stages(), rtt_s=None).transport == 0


def test_no_account_of_what_was_not_heard_or_not_asked_by_voice() -> None:
    ledger = LatencyLedger()
    ledger.responding(1)
    ledger.first_audio(1, 1.0)
    ledger.first_frame_sent(1, 1.0)
    assert ledger.turn(1, None) is None
    ledger.frame_forwarded(0, 0.0, 1.0)
    ledger.turn_ended(10, 2.0)
    ledger.responding(2)
    ledger.first_audio(2, 3.0)
    assert ledger.turn(2, None) is None


def test_a_turn_has_one_account() -> None:
    ledger = LatencyLedger()
    ledger.frame_forwarded(0, 0.0, 1.0)
    ledger.turn_ended(10, 2.0)
    for response in (1, 2):
        ledger.responding(response)
        ledger.first_audio(response, 3.0)
        ledger.first_frame_sent(response, 3.0)
    assert ledger.turn(1, None) is not None
    assert ledger.turn(1, None) is None
    assert ledger.turn(2, None) is None


def test_frames_and_answers_are_bounded() -> None:
    ledger = LatencyLedger()
    for index in range(FRAMES_KEPT + 10):
        ledger.frame_forwarded(index * 20, 0.0, index * 0.02)
    ledger.turn_ended(100, 50.0)
    ledger.responding(1)
    ledger.first_audio(1, 51.0)
    ledger.first_frame_sent(1, 51.0)
    assert ledger.turn(1, None) is None, "the frame is forgotten"
    for response in range(2, TURNS_KEPT + 4):
        ledger.turn_ended(FRAMES_KEPT * 20, 50.0)
        ledger.responding(response)
        ledger.first_audio(response, 51.0)
        ledger.first_frame_sent(response, 51.0)
    assert ledger.turn(2, None) is None
    assert ledger.turn(TURNS_KEPT + 3, None) is not None


seconds = st.floats(-1, 30, allow_nan=False)


@given(
    st.dictionaries(st.sampled_from(Stage), st.integers(-(10**6), 10**8)),
    seconds,
    seconds,
    st.floats(0, 2),
    st.none() | st.floats(0, 3),
)
def test_parts_are_whole_never_negative_and_exact(
    times: dict[Stage, int],
    audio_at: float,
    pacing: float,
    waited_s: float,
    rtt_s: float | None,
) -> None:
    ledger = LatencyLedger()
    ledger.frame_forwarded(0, waited_s, 0.0)
    ledger.turn_ended(20, 0.4)
    ledger.responding(1)
    ledger.first_audio(1, audio_at)
    ledger.first_frame_sent(1, audio_at + pacing)
    ledger.done(1, [StageTime(stage, us) for stage, us in times.items()])
    turn = ledger.turn(1, rtt_s)
    assert turn is not None
    result, parts = turn.account, turn.account.parts_ms().values()
    assert all(isinstance(part, int) and part >= 0 for part in parts)
    measured = waited_s + max(0.0, audio_at) + max(0.0, pacing) + (rtt_s or 0.0)
    assert result.total_ms == sum(parts)
    assert abs(result.total_ms - measured * 1000) <= 0.5 + 1e-6


def test_the_parts_are_named_for_metrics_and_metadata() -> None:
    parts = TurnAccount(*range(8)).parts_ms()
    assert list(parts) == [
        "uplink_wait",
        "endpointing",
        "asr",
        "brain",
        "tts",
        "trunk",
        "pacing",
        "transport",
    ]
    assert list(parts.values()) == list(range(8))


@pytest.mark.parametrize("voiced_end_ms", [41, 60])
def test_the_frame_is_the_one_that_holds_the_last_voiced_sample(voiced_end_ms: int) -> None:
    ledger = LatencyLedger()
    for index in range(5):
        ledger.frame_forwarded(index * 20, 0.0, 1.0 + index * 0.02)
    ledger.turn_ended(voiced_end_ms, now=1.5)
    ledger.responding(1)
    ledger.first_audio(1, 2.0)
    ledger.first_frame_sent(1, 2.0)
    turn = ledger.turn(1, None)
    assert turn is not None
    assert turn.account.total_ms == 2000 - 1040
