"""session.update as a client sees it and as the engine is told."""

from typing import Any

import pytest

from antiphon_proto import trunk as engine
from tests.transceiver.conversation_driver import Driver


def audio_input(**members: Any) -> dict[str, Any]:
    return {"audio": {"input": members}}


def test_the_session_gets_an_id_and_shows_everything() -> None:
    driver = Driver({"model": "gpt-realtime-2.1", "instructions": "Be brief."})
    created, conversation = driver.events
    assert created["session"]["id"].startswith("sess_")
    assert created["session"]["model"] == "gpt-realtime-2.1"
    opened = driver.commands[0]
    assert isinstance(opened, engine.Open)
    assert opened.model == "gpt-realtime-2.1"
    assert opened.config.instructions == "Be brief."
    assert opened.config.output_credit_ms > 0
    driver.client("response.create")
    conversation_id = driver.last("response.created")["response"]["conversation_id"]
    assert conversation["type"] == "conversation.created"
    assert conversation["conversation"] == {
        "id": conversation_id,
        "object": "realtime.conversation",
    }


def test_an_update_is_answered_in_full_and_told_to_the_engine() -> None:
    driver = Driver()
    driver.client("session.update", session={"type": "realtime", "instructions": "Sing."})
    session = driver.last("session.updated")["session"]
    assert session["instructions"] == "Sing."
    assert session["audio"]["input"]["turn_detection"]["interrupt_response"] is True
    assert driver.sent(engine.Update)[-1].config.instructions == "Sing."


def test_an_update_that_is_refused_changes_nothing() -> None:
    driver = Driver()
    patch = {"instructions": "Sing.", **audio_input(turn_detection={"type": "no_such_vad"})}
    driver.client("session.update", event_id="mine", session=patch)
    error = driver.error()
    assert error["param"] == "session.audio.input.turn_detection.type"
    assert error["event_id"] == "mine"
    assert not driver.sent(engine.Update)
    driver.client("session.update", session={})
    assert driver.last("session.updated")["session"]["instructions"] != "Sing."


def test_the_model_stays_whatever_a_client_was_built_with() -> None:
    driver = Driver({"model": "echo"})
    driver.client("session.update", session={"model": "gpt-realtime-2.1"})
    assert driver.last("session.updated")["session"]["model"] == "echo"


def test_the_speed_may_change_between_answers() -> None:
    driver = Driver()
    faster = {"audio": {"output": {"speed": 1.25}}}
    driver.client("response.create")
    driver.client("session.update", event_id="mine", session=faster)
    assert (driver.error()["code"], driver.error()["event_id"]) == ("cannot_update_speed", "mine")
    driver.client("session.update", session={"audio": {"output": {"speed": 1.0}}})
    assert driver.events[-1]["type"] == "session.updated"
    driver.engine(engine.Done(1, engine.DoneStatus.COMPLETED))
    driver.client("session.update", session=faster)
    assert driver.sent(engine.Update)[-1].config.speed == 1.25


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ("auto", engine.Truncation()),
        ("disabled", engine.Truncation(disabled=True)),
        (
            {"type": "retention_ratio", "retention_ratio": 0.5},
            engine.Truncation(retention_ratio=0.5),
        ),
        (
            {
                "type": "retention_ratio",
                "retention_ratio": 0,
                "token_limits": {"post_instructions": 500},
            },
            engine.Truncation(retention_ratio=0.01, max_tokens=500),
        ),
    ],
)
def test_truncation_as_the_engine_is_told(wanted: Any, told: engine.Truncation) -> None:
    driver = Driver({"truncation": wanted})
    assert driver.sent(engine.Open)[0].config.truncation == told
    assert driver.last("session.created")["session"]["truncation"] == wanted


def test_what_is_accepted_and_shown_only() -> None:
    shown = {
        "prompt": {"id": "pmpt_1", "variables": {"city": "Rome"}},
        "tracing": {"workflow_name": "w", "metadata": {"a": "b"}},
        "include": ["item.input_audio_transcription.logprobs"],
        "reasoning": {"effort": "low"},
        **audio_input(noise_reduction={"type": "far_field", "strength": 0.5}),
    }
    driver = Driver(shown)
    session = driver.last("session.created")["session"]
    assert {name: session[name] for name in shown if name != "audio"} == {
        name: value for name, value in shown.items() if name != "audio"
    }
    assert session["audio"]["input"]["noise_reduction"]["strength"] == 0.5
    nothing = dict.fromkeys(("prompt", "tracing", "include", "reasoning"))
    driver.client("session.update", session=nothing)
    session = driver.last("session.updated")["session"]
    assert {name: session[name] for name in nothing} == nothing


def test_the_voice_may_change_until_the_agent_spoke() -> None:
    driver = Driver()
    ash = {"audio": {"output": {"voice": "ash"}}}
    driver.client("session.update", session=ash)
    assert driver.sent(engine.Update)[-1].config.voice == "ash"
    driver.user_turn()
    driver.speech(1, 100)
    driver.client("session.update", session={"audio": {"output": {"voice": "verse"}}})
    assert driver.error()["code"] == "cannot_update_voice"
    driver.client("session.update", session=ash)
    assert driver.events[-1]["type"] == "session.updated"


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        (None, None),
        (
            {"type": "server_vad", "threshold": 0.25, "silence_duration_ms": 700},
            engine.TurnDetection(
                engine.TurnDetectionKind.SERVER_VAD, 0.25, 300, 700, True, engine.Eagerness.MEDIUM
            ),
        ),
        (
            {"type": "semantic_vad", "eagerness": "high", "create_response": False},
            engine.TurnDetection(
                engine.TurnDetectionKind.SEMANTIC_VAD, 0.5, 300, 500, False, engine.Eagerness.HIGH
            ),
        ),
        (
            {"type": "semantic_vad"},
            engine.TurnDetection(
                engine.TurnDetectionKind.SEMANTIC_VAD, 0.5, 300, 500, True, engine.Eagerness.MEDIUM
            ),
        ),
    ],
)
def test_turn_detection_as_the_engine_is_told(
    wanted: dict[str, Any] | None, told: engine.TurnDetection | None
) -> None:
    driver = Driver(audio_input(turn_detection=wanted))
    assert driver.sent(engine.Open)[0].config.turn_detection == told


def test_the_rest_as_the_engine_is_told() -> None:
    driver = Driver(
        {
            "output_modalities": ["text"],
            "max_output_tokens": 200,
            "tools": [{"type": "function", "name": "f", "description": None, "parameters": None}],
            "tool_choice": {"type": "function", "name": "f"},
            **audio_input(transcription={"language": "de"}),
        }
    )
    config = driver.sent(engine.Open)[0].config
    assert config.text_only
    assert config.max_output_tokens == 200
    assert config.tools == (engine.Tool("f", "", "{}"),)
    assert config.tool_choice == "f"
    assert config.transcription == engine.Transcription("", "de", "")


def test_no_limit_is_zero_to_the_engine() -> None:
    assert Driver().sent(engine.Open)[0].config.max_output_tokens == 0


def test_a_configuration_must_fit_into_an_event() -> None:
    driver = Driver()
    driver.client("session.update", session={"instructions": "x" * 150_000})
    driver.client("session.update", session={"prompt": {"id": "x" * 150_000}})
    assert driver.error()["code"] == "session_too_large"
    assert driver.error()["param"] == "session"


# ---- response.create ----


def test_a_second_response_at_a_time_is_refused() -> None:
    driver = Driver()
    driver.client("response.create", response={})
    driver.client("response.create", event_id="mine")
    assert driver.error()["code"] == "conversation_already_has_active_response"
    assert driver.error()["event_id"] == "mine"
    assert len(driver.sent(engine.Respond)) == 1


def test_response_numbers_and_items_are_fresh() -> None:
    driver = Driver()
    for number in (1, 2, 3):
        driver.client("response.create")
        driver.engine(engine.Done(number, engine.DoneStatus.COMPLETED))
    responds = driver.sent(engine.Respond)
    assert [respond.response for respond in responds] == [1, 2, 3]
    assert len({respond.item_id for respond in responds}) == 3


def test_metadata_is_echoed() -> None:
    driver = Driver()
    driver.client("response.create", response={"metadata": {"client_event_id": "abc"}})
    assert driver.last("response.created")["response"]["metadata"] == {"client_event_id": "abc"}
    driver.engine(engine.Done(1, engine.DoneStatus.COMPLETED))
    assert driver.last("response.done")["response"]["metadata"] == {"client_event_id": "abc"}


def test_overrides_hold_for_one_response() -> None:
    driver = Driver({"instructions": "Be brief."})
    tool = {"type": "function", "name": "weather"}
    driver.client(
        "response.create",
        response={
            "instructions": "Whisper.",
            "output_modalities": ["text"],
            "tools": [tool],
            "tool_choice": "required",
            "max_output_tokens": 50,
            "audio": {"output": {"voice": "verse"}, "input": {"turn_detection": None}},
        },
    )
    (respond,) = driver.sent(engine.Respond)
    assert respond.config is not None
    assert (respond.config.instructions, respond.config.text_only) == ("Whisper.", True)
    assert [tool.name for tool in respond.config.tools] == ["weather"]
    assert respond.config.tool_choice == "required"
    assert respond.config.max_output_tokens == 50
    assert respond.config.voice == "verse"
    assert respond.config.turn_detection is not None, "a response does not configure input"
    created = driver.last("response.created")["response"]
    assert created["output_modalities"] == ["text"]
    assert created["audio"]["output"]["voice"] == "verse"
    assert created["max_output_tokens"] == 50
    driver.engine(engine.Done(1, engine.DoneStatus.COMPLETED))
    driver.client("response.create")
    assert driver.sent(engine.Respond)[1].config is None
    assert not driver.sent(engine.Update)


@pytest.mark.parametrize(
    ("response", "code", "param"),
    [
        ({"conversation": "conv_other"}, "invalid_value", "response.conversation"),
        ({"input": {}}, "invalid_value", "response.input"),
        ({"input": [{"type": "audio"}]}, "invalid_value", "response.input[0].type"),
        (
            {"input": [{"type": "item_reference", "id": "gone"}]},
            "invalid_value",
            "response.input[0].id",
        ),
        (
            {"input": [{"type": "message", "role": "user", "content": [{"type": "input_audio"}]}]},
            "unsupported_content",
            "response.input[0].content[0].transcript",
        ),
        ({"parallel_tool_calls": 1}, "invalid_value", "response.parallel_tool_calls"),
        ({"tools": [{"type": "web_search"}]}, "invalid_value", "response.tools[0].type"),
        ({"tool_choice": 3}, "invalid_value", "response.tool_choice"),
        (
            {"tool_choice": {"type": "function", "name": "gone"}},
            "invalid_value",
            "response.tool_choice",
        ),
        ({"metadata": {"a": 1}}, "invalid_value", "response.metadata[...]"),
    ],
)
def test_responses_that_are_refused(response: dict[str, Any], code: str, param: str) -> None:
    driver = Driver()
    driver.client("response.create", response=response)
    assert (driver.error()["code"], driver.error()["param"]) == (code, param)
    assert not driver.sent(engine.Respond)


@pytest.mark.parametrize("response", [{"conversation": "auto"}, {"input": None}, {"audio": None}])
def test_responses_that_say_what_is_the_case_anyway(response: dict[str, Any]) -> None:
    driver = Driver()
    driver.client("response.create", response=response)
    assert driver.sent(engine.Respond)


# ---- latency ----


def test_the_turn_s_latency_is_in_the_response_s_metadata() -> None:
    driver = Driver(rtt_s=0.030)
    driver.engine(engine.SpeechStarted(0))
    driver.input(1000)
    driver.engine(engine.SpeechStopped(1000), engine.TurnEnded(500))
    driver.now += 0.200
    driver.engine(engine.TextDelta(1, "Yes."))
    driver.speech(1, 200)
    driver.now += 0.007
    driver.play(20)
    offsets = {
        engine.Stage.TURN_ENDED: 515_000,
        engine.Stage.TRANSCRIPT_FINAL: 530_000,
        engine.Stage.RESPOND: 532_000,
        engine.Stage.FIRST_TEXT: 652_000,
        engine.Stage.FIRST_AUDIO: 712_000,
    }
    stages = tuple(engine.StageTime(stage, offset) for stage, offset in offsets.items())
    driver.engine(engine.Done(1, engine.DoneStatus.COMPLETED, stages=stages))
    assert driver.last("response.done")["response"]["metadata"] == {
        "antiphon_latency_ms": str(30 + 520 + 200 + 7),
        "antiphon_latency_uplink_wait_ms": "0",
        "antiphon_latency_endpointing_ms": "515",
        "antiphon_latency_asr_ms": "15",
        "antiphon_latency_brain_ms": "120",
        "antiphon_latency_tts_ms": "60",
        "antiphon_latency_trunk_ms": str(2 + (720 - 712)),
        "antiphon_latency_pacing_ms": "7",
        "antiphon_latency_transport_ms": "30",
    }
    (account,) = driver.accounts
    assert account.total_ms == 757


def test_a_written_turn_has_no_latency() -> None:
    driver = Driver()
    driver.client("response.create")
    driver.speech(1, 100)
    driver.play(20)
    driver.engine(engine.Done(1, engine.DoneStatus.COMPLETED))
    assert driver.last("response.done")["response"]["metadata"] is None
    assert driver.accounts == []
