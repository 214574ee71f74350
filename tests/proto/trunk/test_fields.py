"""Protobuf to dataclasses and back: nothing is lost, and defaults are filled in."""

import pytest
from google.protobuf import text_format

from antiphon_proto.inference.v1 import inference_pb2 as pb
from antiphon_proto.trunk import (
    MAX_PREFIX_PADDING_MS,
    Eagerness,
    FunctionCall,
    FunctionCallOutput,
    Item,
    Role,
    SessionConfig,
    Tool,
    Transcription,
    Truncation,
    TurnDetection,
    TurnDetectionKind,
    commands,
    events,
)
from antiphon_proto.trunk.command_codec import command_from_protobuf
from antiphon_proto.trunk.event_codec import event_to_protobuf
from inference.error_code import ErrorCode

COMMANDS = [
    (pb.Command(commit=pb.Commit(item_id="a")), commands.Commit("a")),
    (pb.Command(clear_input=pb.ClearInput()), commands.ClearInput()),
    (
        pb.Command(respond=pb.Respond(response=2, item_id="a", out_of_band=True)),
        commands.Respond(2, "a", None, None, True),
    ),
    (
        pb.Command(respond=pb.Respond(response=2, config=pb.SessionConfig(instructions="i"))),
        commands.Respond(2, "", SessionConfig("i")),
    ),
    (
        pb.Command(respond=pb.Respond(response=2, context=pb.Context())),
        commands.Respond(2, "", context=()),
    ),
    (
        pb.Command(
            respond=pb.Respond(
                response=2, context=pb.Context(items=[pb.Item(id="1", images=["https://a/b"])])
            )
        ),
        commands.Respond(2, "", context=(Item("1", Role.USER, "", ("https://a/b",)),)),
    ),
    (pb.Command(cancel=pb.Cancel(response=2, played_ms=30)), commands.Cancel(2, 30)),
    (
        pb.Command(item_create=pb.ItemCreate(item=pb.Item(id="a", text="b"), previous_item_id="c")),
        commands.ItemCreate(Item("a", Role.USER, "b"), "c"),
    ),
    (
        pb.Command(item_truncate=pb.ItemTruncate(item_id="a", audio_end_ms=3)),
        commands.ItemTruncate("a", 3),
    ),
    (pb.Command(item_delete=pb.ItemDelete(item_id="a")), commands.ItemDelete("a")),
    (
        pb.Command(playback_credit=pb.PlaybackCredit(response=2, played_ms=3)),
        commands.PlaybackCredit(2, 3),
    ),
    (pb.Command(close=pb.Close(reason="r")), commands.Close("r")),
    (pb.Command(), None),
]


@pytest.mark.parametrize(("message", "command"), COMMANDS)
def test_commands(message: pb.Command, command: commands.Command | None) -> None:
    assert command_from_protobuf(message) == command


def test_open() -> None:
    message = pb.Open(
        call_id="call",
        model="m",
        config=pb.SessionConfig(
            instructions="i",
            voice="v",
            turn_detection=pb.TurnDetection(
                kind=pb.TurnDetection.KIND_SEMANTIC_VAD,
                threshold=0.25,
                prefix_padding_ms=1,
                silence_duration_ms=2,
                create_response=True,
                eagerness=pb.TurnDetection.EAGERNESS_HIGH,
            ),
            transcription=pb.Transcription(model="m", language="en", prompt="p"),
            text_only=True,
            tools=[pb.Tool(name="n", description="d", parameters_json="{}")],
            tool_choice="none",
            max_output_tokens=5,
            output_credit_ms=6,
            speed=1.25,
            single_tool_call=True,
            truncation=pb.Truncation(disabled=True, retention_ratio=0.5, max_tokens=7),
        ),
        history=[
            pb.Item(id="1", role=pb.Item.ROLE_SYSTEM, text="t"),
            pb.Item(
                id="2",
                role=pb.Item.ROLE_ASSISTANT,
                function_call=pb.FunctionCall(call_id="c", name="n", arguments_json="{}"),
            ),
            pb.Item(id="3", function_call_output=pb.FunctionCallOutput(call_id="c", output="o")),
        ],
    )
    assert command_from_protobuf(pb.Command(open=message)) == commands.Open(
        call_id="call",
        model="m",
        config=SessionConfig(
            instructions="i",
            voice="v",
            turn_detection=TurnDetection(
                TurnDetectionKind.SEMANTIC_VAD, 0.25, 1, 2, True, Eagerness.HIGH
            ),
            transcription=Transcription("m", "en", "p"),
            text_only=True,
            tools=(Tool("n", "d", "{}"),),
            tool_choice="none",
            max_output_tokens=5,
            output_credit_ms=6,
            speed=1.25,
            parallel_tool_calls=False,
            truncation=Truncation(disabled=True, retention_ratio=0.5, max_tokens=7),
        ),
        history=(
            Item("1", Role.SYSTEM, "t"),
            Item("2", Role.ASSISTANT, FunctionCall("c", "n", "{}")),
            Item("3", Role.USER, FunctionCallOutput("c", "o")),
        ),
    )


@pytest.mark.parametrize("threshold", [0.0, -1.0, 2.0, float("nan")])
def test_what_makes_no_sense_becomes_the_default(threshold: float) -> None:
    detection = pb.TurnDetection(threshold=threshold, prefix_padding_ms=2**32 - 1)
    command = command_from_protobuf(
        pb.Command(update=pb.Update(config=pb.SessionConfig(turn_detection=detection)))
    )
    assert isinstance(command, commands.Update)
    assert command.config.turn_detection == TurnDetection(
        prefix_padding_ms=MAX_PREFIX_PADDING_MS, silence_duration_ms=0, create_response=False
    )
    assert command.config.output_credit_ms == 200
    assert command.config.tool_choice == "auto"


EVENTS = [
    (
        events.Ready("e", 1, 2, True),
        "ready { engine: 'e' input_rate: 1 output_rate: 2 full_duplex: true }",
    ),
    (events.SpeechStarted(5), "speech_started { audio_start_ms: 5 }"),
    (events.SpeechStopped(5), "speech_stopped { audio_end_ms: 5 }"),
    (events.TurnEnded(5), "turn_ended { voiced_end_ms: 5 }"),
    (
        events.InputTranscript("i", "t", final=True, error="e"),
        "input_transcript { item_id: 'i' text: 't' final: true error: 'e' }",
    ),
    (events.ResponseStarted(2), "response_started { response: 2 }"),
    (events.TextDelta(2, "t"), "text_delta { response: 2 text: 't' }"),
    (
        events.ToolCallDelta(2, "c", "n", "{"),
        "tool_call_delta { response: 2 call_id: 'c' name: 'n' arguments_json: '{' }",
    ),
    (
        events.ToolCall(2, FunctionCall("c", "n", "{}")),
        "tool_call { response: 2 call { call_id: 'c' name: 'n' arguments_json: '{}' } }",
    ),
    (
        events.Done(
            2,
            events.DoneStatus.FAILED,
            "r",
            events.Usage(1, 2, 3, 4, 5),
            (events.StageTime(events.Stage.FIRST_AUDIO, -6),),
        ),
        "done { response: 2 status: STATUS_FAILED reason: 'r' usage { input_text_tokens: 1"
        " input_audio_tokens: 2 cached_tokens: 3 output_text_tokens: 4 output_audio_tokens: 5 }"
        " stages { stage: STAGE_FIRST_AUDIO after_voiced_end_us: -6 } }",
    ),
    (events.Draining(5), "draining { deadline_ms: 5 }"),
    (
        events.Error(ErrorCode.AT_CAPACITY, "m", fatal=True),
        "error { code: 'at_capacity' message: 'm' fatal: true }",
    ),
]


@pytest.mark.parametrize(("event", "text"), EVENTS)
def test_events(event: events.Event, text: str) -> None:
    expected = text_format.Parse(f"session: 7 after_frames: 3 {text}", pb.Event())
    assert event_to_protobuf(7, 3, event) == expected
