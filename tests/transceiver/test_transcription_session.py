"""Sessions that only transcribe: what they show, tell and refuse."""

from typing import Any

import pytest

from antiphon_proto import trunk as engine
from tests.transceiver.conversation_driver import Driver

DELTA = "conversation.item.input_audio_transcription.delta"
COMPLETED = "conversation.item.input_audio_transcription.completed"


@pytest.fixture
def driver() -> Driver:
    return Driver({"type": "transcription"})


def heard(driver: Driver, *hypotheses: str) -> None:
    for text in hypotheses:
        driver.engine(engine.InputTranscript("", text, final=False))


def deltas(driver: Driver) -> list[str]:
    return [event["delta"] for event in driver.events if event["type"] == DELTA]


def test_what_it_shows_and_what_the_engine_is_told(driver: Driver) -> None:
    session = driver.last("session.created")["session"]
    assert session["object"] == "realtime.transcription_session"
    assert session["id"].startswith("sess_")
    assert session.keys() == {"type", "object", "id", "expires_at", "audio", "include"} | (
        session.keys() & {"resume"}
    )
    assert session["audio"].keys() == {"input"}
    config = driver.sent(engine.Open)[0].config
    assert config.text_only
    assert config.transcription is not None
    assert config.turn_detection is not None
    assert not config.turn_detection.create_response


def test_words_are_told_while_they_are_spoken_and_never_taken_back(driver: Driver) -> None:
    driver.engine(engine.SpeechStarted(0))
    heard(driver, "what", "what thyme", "what time is", "what time is it")
    item_id = driver.last("input_audio_buffer.speech_started")["item_id"]
    assert deltas(driver) == ["what", " time is"]
    driver.input(1000)
    driver.engine(engine.SpeechStopped(1000), engine.TurnEnded(500))
    driver.engine(engine.InputTranscript(item_id, "what time is it", final=True))
    told = [event for event in driver.events if event["type"] in (DELTA, COMPLETED)]
    assert {event["item_id"] for event in told} == {item_id}
    assert "".join(deltas(driver)) == told[-1]["transcript"] == "what time is it"
    assert "response.created" not in driver.types()


def test_the_next_turn_begins_anew(driver: Driver) -> None:
    for turn in (1, 2):
        driver.engine(engine.SpeechStarted(driver.position_ms))
        heard(driver, "stop", "stop it")
        driver.user_turn()
        item_id = driver.last("input_audio_buffer.committed")["item_id"]
        driver.engine(engine.InputTranscript(item_id, "stop it", final=True))
        assert deltas(driver) == ["stop", " it"] * turn


def test_a_recording_that_is_committed_by_hand(driver: Driver) -> None:
    driver.client("session.update", session={"audio": {"input": {"turn_detection": None}}})
    driver.input(1000)
    heard(driver, "one two", "one two three")
    told = driver.last(DELTA)
    driver.client("input_audio_buffer.commit")
    assert driver.last("input_audio_buffer.committed")["item_id"] == told["item_id"]


def test_what_was_cleared_is_forgotten(driver: Driver) -> None:
    heard(driver, "one", "one two")
    before = driver.last(DELTA)["item_id"]
    driver.client("input_audio_buffer.clear")
    heard(driver, "one", "one two")
    assert deltas(driver) == ["one", "one"]
    assert driver.last(DELTA)["item_id"] != before


@pytest.mark.parametrize(
    ("patch", "code", "param"),
    [
        ({"type": "realtime"}, "invalid_value", "session.type"),
        ({"instructions": "Sing."}, "unknown_parameter", "session.instructions"),
        ({"audio": {"output": {"voice": "ash"}}}, "unknown_parameter", "session.audio.output"),
        (
            {"audio": {"input": {"transcription": None}}},
            "invalid_value",
            "session.audio.input.transcription",
        ),
        ({"include": ["everything"]}, "invalid_value", "session.include[0]"),
    ],
)
def test_updates_that_are_refused(
    driver: Driver, patch: dict[str, Any], code: str, param: str
) -> None:
    driver.client("session.update", event_id="mine", session=patch)
    error = driver.error()
    assert (error["code"], error["param"], error["event_id"]) == (code, param, "mine")


def test_nobody_answers_whatever_is_asked_for(driver: Driver) -> None:
    detection = {"type": "server_vad", "create_response": True, "idle_timeout_ms": 5000}
    audio = {"transcription": {"model": "gpt-4o-transcribe", "keywords": ["Antiphon", "ufrag"]}}
    driver.client(
        "session.update",
        session={
            "type": "transcription",
            "include": ["item.input_audio_transcription.logprobs"],
            "audio": {"input": {"turn_detection": detection, **audio}},
        },
    )
    shown = driver.last("session.updated")["session"]["audio"]["input"]["turn_detection"]
    assert (shown["create_response"], shown["idle_timeout_ms"]) == (False, None)
    told = driver.sent(engine.Update)[-1].config.transcription
    assert told == engine.Transcription("gpt-4o-transcribe", "", "Antiphon, ufrag")
    driver.client("response.create", event_id="mine")
    assert driver.error()["code"] == "unsupported_in_transcription_session"
    assert driver.error()["event_id"] == "mine"


def test_a_conversation_stays_one() -> None:
    driver = Driver()
    driver.client("session.update", session={"type": "transcription"})
    assert (driver.error()["code"], driver.error()["param"]) == ("invalid_value", "session.type")
