"""Translates the trunk's protobuf messages to and from the dataclasses of this tier."""

from antiphon_proto.inference.v1 import inference_pb2 as pb
from inference import commands, items
from inference import engine_events as events
from inference.session_config import (
    DEFAULT_OUTPUT_CREDIT_MS,
    DEFAULT_THRESHOLD,
    MAX_PREFIX_PADDING_MS,
    Eagerness,
    SessionConfig,
    Tool,
    Transcription,
    TurnDetection,
    TurnDetectionKind,
)

_ROLES = {
    pb.Item.ROLE_SYSTEM: items.Role.SYSTEM,
    pb.Item.ROLE_USER: items.Role.USER,
    pb.Item.ROLE_ASSISTANT: items.Role.ASSISTANT,
}
_EAGERNESS = {
    pb.TurnDetection.EAGERNESS_LOW: Eagerness.LOW,
    pb.TurnDetection.EAGERNESS_HIGH: Eagerness.HIGH,
}
_DONE_STATUS = {
    events.DoneStatus.COMPLETED: pb.Done.STATUS_COMPLETED,
    events.DoneStatus.CANCELLED: pb.Done.STATUS_CANCELLED,
    events.DoneStatus.INCOMPLETE: pb.Done.STATUS_INCOMPLETE,
    events.DoneStatus.FAILED: pb.Done.STATUS_FAILED,
}
_STAGES = {
    events.Stage.TURN_ENDED: pb.StageTime.STAGE_TURN_ENDED,
    events.Stage.TRANSCRIPT_FINAL: pb.StageTime.STAGE_TRANSCRIPT_FINAL,
    events.Stage.RESPOND: pb.StageTime.STAGE_RESPOND,
    events.Stage.FIRST_TEXT: pb.StageTime.STAGE_FIRST_TEXT,
    events.Stage.FIRST_AUDIO: pb.StageTime.STAGE_FIRST_AUDIO,
}


def command_from_protobuf(message: pb.Command) -> commands.Command | None:
    """The command, or None for a kind that this build does not know."""
    match message.WhichOneof("kind"):
        case "open":
            return _open(message.open)
        case "update":
            return commands.Update(_config(message.update.config))
        case "commit":
            return commands.Commit(message.commit.item_id)
        case "clear_input":
            return commands.ClearInput()
        case "respond":
            return _respond(message.respond)
        case "cancel":
            return commands.Cancel(message.cancel.response, message.cancel.played_ms)
        case "item_create":
            create = message.item_create
            return commands.ItemCreate(_item(create.item), create.previous_item_id)
        case "item_truncate":
            truncate = message.item_truncate
            return commands.ItemTruncate(truncate.item_id, truncate.audio_end_ms)
        case "item_delete":
            return commands.ItemDelete(message.item_delete.item_id)
        case "playback_credit":
            credit = message.playback_credit
            return commands.PlaybackCredit(credit.response, credit.played_ms)
        case "close":
            return commands.Close(message.close.reason)
    return None


def event_to_protobuf(session: int, after_frames: int, event: events.Event) -> pb.Event:
    """`event` of session number `session`, behind `after_frames` frames of its message."""
    message = pb.Event(session=session, after_frames=after_frames)
    match event:
        case events.Ready():
            message.ready.CopyFrom(
                pb.Ready(
                    engine=event.engine,
                    input_rate=event.input_rate,
                    output_rate=event.output_rate,
                    full_duplex=event.full_duplex,
                )
            )
        case events.SpeechStarted():
            message.speech_started.audio_start_ms = event.audio_start_ms
        case events.SpeechStopped():
            message.speech_stopped.audio_end_ms = event.audio_end_ms
        case events.TurnEnded():
            message.turn_ended.voiced_end_ms = event.voiced_end_ms
        case events.InputTranscript():
            message.input_transcript.CopyFrom(_transcript(event))
        case events.ResponseStarted():
            message.response_started.response = event.response
        case events.TextDelta():
            message.text_delta.CopyFrom(pb.TextDelta(response=event.response, text=event.text))
        case events.ToolCall():
            message.tool_call.CopyFrom(_tool_call(event))
        case events.Done():
            message.done.CopyFrom(_done(event))
        case events.Draining():
            message.draining.deadline_ms = event.deadline_ms
        case events.Error():
            error = pb.Error(code=event.code.value, message=event.message, fatal=event.fatal)
            message.error.CopyFrom(error)
    return message


def _open(message: pb.Open) -> commands.Open:
    return commands.Open(
        call_id=message.call_id,
        model=message.model,
        config=_config(message.config),
        history=tuple(_item(item) for item in message.history),
    )


def _config(message: pb.SessionConfig) -> SessionConfig:
    detection = message.turn_detection if message.HasField("turn_detection") else None
    transcription = message.transcription if message.HasField("transcription") else None
    return SessionConfig(
        instructions=message.instructions,
        voice=message.voice,
        turn_detection=None if detection is None else _turn_detection(detection),
        transcription=None
        if transcription is None
        else Transcription(transcription.language, transcription.prompt),
        text_only=message.text_only,
        tools=tuple(
            Tool(tool.name, tool.description, tool.parameters_json) for tool in message.tools
        ),
        tool_choice=message.tool_choice or "auto",
        max_output_tokens=message.max_output_tokens,
        output_credit_ms=message.output_credit_ms or DEFAULT_OUTPUT_CREDIT_MS,
    )


def _turn_detection(message: pb.TurnDetection) -> TurnDetection:
    semantic = message.kind == pb.TurnDetection.KIND_SEMANTIC_VAD
    return TurnDetection(
        kind=TurnDetectionKind.SEMANTIC_VAD if semantic else TurnDetectionKind.SERVER_VAD,
        threshold=message.threshold if 0 < message.threshold <= 1 else DEFAULT_THRESHOLD,
        prefix_padding_ms=min(message.prefix_padding_ms, MAX_PREFIX_PADDING_MS),
        silence_duration_ms=message.silence_duration_ms,
        eagerness=_EAGERNESS.get(message.eagerness, Eagerness.MEDIUM),
    )


def _item(message: pb.Item) -> items.Item:
    content: str | items.FunctionCall | items.FunctionCallOutput = message.text
    match message.WhichOneof("content"):
        case "function_call":
            call = message.function_call
            content = items.FunctionCall(call.call_id, call.name, call.arguments_json)
        case "function_call_output":
            output = message.function_call_output
            content = items.FunctionCallOutput(output.call_id, output.output)
    return items.Item(message.id, _ROLES.get(message.role, items.Role.USER), content)


def _respond(message: pb.Respond) -> commands.Respond:
    return commands.Respond(
        response=message.response,
        item_id=message.item_id,
        instructions=message.instructions,
        text_only=message.text_only if message.HasField("text_only") else None,
    )


def _transcript(event: events.InputTranscript) -> pb.InputTranscript:
    return pb.InputTranscript(
        item_id=event.item_id, text=event.text, final=event.final, error=event.error
    )


def _tool_call(event: events.ToolCall) -> pb.ToolCall:
    call = event.call
    return pb.ToolCall(
        response=event.response,
        call=pb.FunctionCall(
            call_id=call.call_id, name=call.name, arguments_json=call.arguments_json
        ),
    )


def _done(event: events.Done) -> pb.Done:
    usage = event.usage
    return pb.Done(
        response=event.response,
        status=_DONE_STATUS[event.status],
        reason=event.reason,
        usage=pb.Usage(
            input_text_tokens=usage.input_text_tokens,
            input_audio_tokens=usage.input_audio_tokens,
            cached_tokens=usage.cached_tokens,
            output_text_tokens=usage.output_text_tokens,
            output_audio_tokens=usage.output_audio_tokens,
        ),
        stages=[
            pb.StageTime(stage=_STAGES[time.stage], after_voiced_end_us=time.after_voiced_end_us)
            for time in event.stages
        ],
    )
