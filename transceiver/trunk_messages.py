"""Translates the trunk's protobuf messages from and to this tier's dataclasses."""

from antiphon_proto.inference.v1 import inference_pb2 as pb
from transceiver import engine_messages as messages

_TURN_DETECTION = {
    messages.TurnDetectionKind.SERVER_VAD: pb.TurnDetection.KIND_SERVER_VAD,
    messages.TurnDetectionKind.SEMANTIC_VAD: pb.TurnDetection.KIND_SEMANTIC_VAD,
}
_EAGERNESS = {
    messages.Eagerness.LOW: pb.TurnDetection.EAGERNESS_LOW,
    messages.Eagerness.MEDIUM: pb.TurnDetection.EAGERNESS_MEDIUM,
    messages.Eagerness.HIGH: pb.TurnDetection.EAGERNESS_HIGH,
}
_ROLES = {
    messages.Role.SYSTEM: pb.Item.ROLE_SYSTEM,
    messages.Role.USER: pb.Item.ROLE_USER,
    messages.Role.ASSISTANT: pb.Item.ROLE_ASSISTANT,
}
_STATUS = {
    pb.Done.STATUS_COMPLETED: messages.DoneStatus.COMPLETED,
    pb.Done.STATUS_CANCELLED: messages.DoneStatus.CANCELLED,
    pb.Done.STATUS_INCOMPLETE: messages.DoneStatus.INCOMPLETE,
    pb.Done.STATUS_FAILED: messages.DoneStatus.FAILED,
}
_STAGES = {
    pb.StageTime.STAGE_TURN_ENDED: messages.Stage.TURN_ENDED,
    pb.StageTime.STAGE_TRANSCRIPT_FINAL: messages.Stage.TRANSCRIPT_FINAL,
    pb.StageTime.STAGE_RESPOND: messages.Stage.RESPOND,
    pb.StageTime.STAGE_FIRST_TEXT: messages.Stage.FIRST_TEXT,
    pb.StageTime.STAGE_FIRST_AUDIO: messages.Stage.FIRST_AUDIO,
}


def command_to_protobuf(
    session: int, after_frames: int, command: messages.EngineCommand
) -> pb.Command:
    """`command` of session number `session`, behind `after_frames` frames of its message."""
    message = pb.Command(session=session, after_frames=after_frames)
    match command:
        case messages.OpenCommand():
            message.open.CopyFrom(_open(command))
        case messages.Update():
            message.update.config.CopyFrom(_config(command.config))
        case messages.Commit():
            message.commit.item_id = command.item_id
        case messages.ClearInput():
            message.clear_input.SetInParent()
        case messages.Respond():
            message.respond.CopyFrom(_respond(command))
        case messages.Cancel():
            message.cancel.CopyFrom(
                pb.Cancel(response=command.response, played_ms=command.played_ms)
            )
        case messages.ItemCreate():
            message.item_create.CopyFrom(
                pb.ItemCreate(item=_item(command.item), previous_item_id=command.previous_item_id)
            )
        case messages.ItemTruncate():
            message.item_truncate.CopyFrom(
                pb.ItemTruncate(item_id=command.item_id, audio_end_ms=command.audio_end_ms)
            )
        case messages.ItemDelete():
            message.item_delete.item_id = command.item_id
        case messages.PlaybackCredit():
            message.playback_credit.CopyFrom(
                pb.PlaybackCredit(response=command.response, played_ms=command.played_ms)
            )
        case messages.Close():
            message.close.reason = command.reason
    return message


def event_from_protobuf(message: pb.Event) -> messages.EngineEvent | None:
    """The event, or None for a kind that this build does not know."""
    match message.WhichOneof("kind"):
        case "ready":
            ready = message.ready
            return messages.EngineReady(
                ready.engine, ready.input_rate, ready.output_rate, ready.full_duplex
            )
        case "speech_started":
            return messages.SpeechStarted(message.speech_started.audio_start_ms)
        case "speech_stopped":
            return messages.SpeechStopped(message.speech_stopped.audio_end_ms)
        case "turn_ended":
            return messages.TurnEnded(message.turn_ended.voiced_end_ms)
        case "input_transcript":
            transcript = message.input_transcript
            return messages.InputTranscript(
                transcript.item_id, transcript.text, transcript.final, transcript.error
            )
        case "response_started":
            return messages.ResponseStarted(message.response_started.response)
        case "text_delta":
            return messages.TextDelta(message.text_delta.response, message.text_delta.text)
        case "tool_call":
            call = message.tool_call.call
            return messages.ToolCall(
                message.tool_call.response,
                messages.FunctionCall(call.call_id, call.name, call.arguments_json),
            )
        case "done":
            return _done(message.done)
        case "draining":
            return messages.Draining(message.draining.deadline_ms)
        case "error":
            error = message.error
            return messages.EngineError(error.code, error.message, error.fatal)
    return None


def _open(command: messages.OpenCommand) -> pb.Open:
    return pb.Open(
        call_id=command.call_id,
        model=command.model,
        config=_config(command.config),
        history=[_item(item) for item in command.history],
    )


def _config(config: messages.SessionConfig) -> pb.SessionConfig:
    return pb.SessionConfig(
        instructions=config.instructions,
        voice=config.voice,
        turn_detection=None
        if config.turn_detection is None
        else _turn_detection(config.turn_detection),
        transcription=None
        if config.transcription is None
        else pb.Transcription(
            model=config.transcription.model,
            language=config.transcription.language,
            prompt=config.transcription.prompt,
        ),
        text_only=config.text_only,
        tools=[
            pb.Tool(
                name=tool.name,
                description=tool.description,
                parameters_json=tool.parameters_json,
            )
            for tool in config.tools
        ],
        tool_choice=config.tool_choice,
        max_output_tokens=config.max_output_tokens,
        output_credit_ms=config.output_credit_ms,
    )


def _turn_detection(detection: messages.TurnDetection) -> pb.TurnDetection:
    return pb.TurnDetection(
        kind=_TURN_DETECTION[detection.kind],
        threshold=detection.threshold,
        prefix_padding_ms=detection.prefix_padding_ms,
        silence_duration_ms=detection.silence_duration_ms,
        create_response=detection.create_response,
        eagerness=_EAGERNESS[detection.eagerness],
    )


def _item(item: messages.Item) -> pb.Item:
    message = pb.Item(id=item.id, role=_ROLES[item.role])
    match item.content:
        case str(text):
            message.text = text
        case messages.FunctionCall() as call:
            message.function_call.CopyFrom(
                pb.FunctionCall(
                    call_id=call.call_id, name=call.name, arguments_json=call.arguments_json
                )
            )
        case messages.FunctionCallOutput() as output:
            message.function_call_output.CopyFrom(
                pb.FunctionCallOutput(call_id=output.call_id, output=output.output)
            )
    return message


def _respond(command: messages.Respond) -> pb.Respond:
    return pb.Respond(
        response=command.response,
        item_id=command.item_id,
        instructions=command.instructions,
        text_only=command.text_only,
    )


def _done(done: pb.Done) -> messages.Done:
    usage = done.usage
    return messages.Done(
        response=done.response,
        status=_STATUS.get(done.status, messages.DoneStatus.FAILED),
        reason=done.reason,
        usage=messages.Usage(
            input_text_tokens=usage.input_text_tokens,
            input_audio_tokens=usage.input_audio_tokens,
            cached_tokens=usage.cached_tokens,
            output_text_tokens=usage.output_text_tokens,
            output_audio_tokens=usage.output_audio_tokens,
        ),
        stages=tuple(
            messages.StageTime(_STAGES[time.stage], time.after_voiced_end_us)
            for time in done.stages
            if time.stage in _STAGES
        ),
    )
