from typing import Any

from antiphon.turn_report import Turn, TurnReport, latency_account

METADATA = {
    "antiphon_latency_ms": "612.0",
    "antiphon_latency_asr_ms": "31.5",
    "antiphon_latency_endpointing_ms": "420",
    "somebody_elses": "thing",
}
AUDIO = [{"content": [{"type": "output_audio"}]}]


def created(response_id: str = "r1") -> dict[str, Any]:
    return {"type": "response.created", "response": {"id": response_id}}


def done(response_id: str = "r1", status: str = "completed", **fields: Any) -> dict[str, Any]:
    response = {"id": response_id, "status": status, "output": AUDIO, **fields}
    return {"type": "response.done", "response": response}


def of_response(kind: str, response_id: str = "r1", **fields: Any) -> dict[str, Any]:
    return {"type": kind, "response_id": response_id, **fields}


def report(measured: float | None = 650.4) -> TurnReport:
    return TurnReport(lambda turn: measured)


def lines(report: TurnReport, *events: dict[str, Any]) -> list[str]:
    return [line for at, event in enumerate(events) for line in report.event(event, float(at))]


def test_a_whole_turn() -> None:
    turns = report()
    assert lines(
        turns,
        {"type": "input_audio_buffer.speech_started"},
        {"type": "input_audio_buffer.speech_stopped"},
        {
            "type": "conversation.item.input_audio_transcription.completed",
            "transcript": "what is twelve plus thirty\n",
        },
        created(),
        of_response("output_audio_buffer.started"),
        of_response("response.output_audio_transcript.done", transcript="forty two"),
        done(metadata=METADATA),
        of_response("output_audio_buffer.stopped"),
    ) == [
        "caller: what is twelve plus thirty",
        "agent: forty two",
        "turn: voice to voice 650 ms; the server's account 612 ms: endpointing 420, asr 32",
    ]
    assert turns.rest() == []
    assert turns.turns[0].created_at == 3.0
    assert turns.turns[0].transcript == "forty two"


def test_an_answer_is_awaited_from_the_end_of_speech_to_the_end_of_playout() -> None:
    turns = report()
    awaited = []
    for event in [
        {"type": "session.created"},
        {"type": "input_audio_buffer.speech_stopped"},
        created(),
        of_response("output_audio_buffer.started"),
        done(),
        of_response("output_audio_buffer.stopped"),
    ]:
        turns.event(event, 0.0)
        awaited.append(turns.awaits_agent)
    assert awaited == [False, True, True, True, True, False]


def test_generation_may_end_before_playout_starts() -> None:
    turns = report()
    assert lines(turns, created(), done()) == []
    assert turns.awaits_agent
    events = [of_response(f"output_audio_buffer.{kind}") for kind in ("started", "stopped")]
    assert lines(turns, *events) == ["turn: voice to voice 650 ms"]


def test_an_answer_without_audio_ends_with_its_generation() -> None:
    turns = report(measured=None)
    assert lines(turns, created(), done(output=[])) == ["turn: nothing heard"]
    assert not turns.awaits_agent


def test_an_interrupted_answer_is_said_to_be_cut() -> None:
    cleared = of_response("output_audio_buffer.cleared")
    started = of_response("output_audio_buffer.started")
    events = [created(), started, cleared, done(status="cancelled")]
    assert lines(report(), *events) == ["turn: voice to voice 650 ms, cut short"]


def test_what_was_under_way_when_the_call_ended_is_the_rest() -> None:
    turns = report()
    assert lines(turns, created(), of_response("output_audio_buffer.started")) == []
    assert turns.rest() == ["turn: voice to voice 650 ms"]


def test_errors_are_told_and_kept() -> None:
    turns = report()
    error = {"type": "error", "error": {"message": "no such item"}}
    assert lines(turns, error) == ["error: no such item"]
    assert turns.errors == ["no such item"]


def test_unknown_events_are_passed_over() -> None:
    assert lines(report(), {"type": "rate_limits.updated"}) == []


def test_the_account_is_read_in_the_order_of_time() -> None:
    assert list(latency_account(METADATA).items()) == [
        ("total", 612.0),
        ("endpointing", 420.0),
        ("asr", 31.5),
    ]
    assert latency_account({}) == {}


def test_the_measurement_is_of_the_turn() -> None:
    asked: list[Turn] = []

    def measure(turn: Turn) -> None:
        asked.append(turn)

    turns = TurnReport(measure)
    lines(turns, created("r1"), done("r1", output=[]), created("r2"), done("r2", output=[]))
    assert [turn.response_id for turn in asked] == ["r1", "r2"]
