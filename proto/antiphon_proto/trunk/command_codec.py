"""Commands to and from protobuf: the transceiver's edge and the replica's.

Reading is lenient where a meaning is plain: an unknown role is the user's, an
absent or senseless number takes its default.
"""

from antiphon_proto.inference.v1 import inference_pb2 as pb
from antiphon_proto.trunk import commands, items
from antiphon_proto.trunk.session_config import (
    DEFAULT_OUTPUT_CREDIT_MS,
    DEFAULT_THRESHOLD,
    MAX_PREFIX_PADDING_MS,
    MAX_SPEED,
    MIN_SPEED,
    Eagerness,
    SessionConfig,
    Tool,
    Transcription,
    Truncation,
    TurnDetection,
    TurnDetectionKind,
)

_DETECTION_KINDS = {
    TurnDetectionKind.SERVER_VAD: pb.TurnDetection.KIND_SERVER_VAD,
    TurnDetectionKind.SEMANTIC_VAD: pb.TurnDetection.KIND_SEMANTIC_VAD,
}
_DETECTION_KINDS_READ = {value: kind for kind, value in _DETECTION_KINDS.items()}
_EAGERNESS = {
    Eagerness.LOW: pb.TurnDetection.EAGERNESS_LOW,
    Eagerness.MEDIUM: pb.TurnDetection.EAGERNESS_MEDIUM,
    Eagerness.HIGH: pb.TurnDetection.EAGERNESS_HIGH,
}
_EAGERNESS_READ = {value: eagerness for eagerness, value in _EAGERNESS.items()}
_ROLES = {
    items.Role.SYSTEM: pb.Item.ROLE_SYSTEM,
    items.Role.USER: pb.Item.ROLE_USER,
    items.Role.ASSISTANT: pb.Item.ROLE_ASSISTANT,
}
_ROLES_READ = {value: role for role, value in _ROLES.items()}


def command_to_protobuf(session: int, after_frames: int, command: commands.Command) -> pb.Command:
    """`command` of session number `session`, behind `after_frames` frames of its message."""
    message = pb.Command(session=session, after_frames=after_frames)
    match command:
        case commands.Open():
            message.open.CopyFrom(_write_open(command))
        case commands.Update(config):
            message.update.config.CopyFrom(_write_config(config))
        case commands.Commit(item_id):
            message.commit.item_id = item_id
        case commands.ClearInput():
            message.clear_input.SetInParent()
        case commands.Respond():
            message.respond.CopyFrom(_write_respond(command))
        case commands.Cancel(response, played_ms):
            message.cancel.CopyFrom(pb.Cancel(response=response, played_ms=played_ms))
        case commands.ItemCreate(item, previous):
            create = pb.ItemCreate(item=_write_item(item), previous_item_id=previous)
            message.item_create.CopyFrom(create)
        case commands.ItemTruncate(item_id, audio_end_ms):
            truncate = pb.ItemTruncate(item_id=item_id, audio_end_ms=audio_end_ms)
            message.item_truncate.CopyFrom(truncate)
        case commands.ItemDelete(item_id):
            message.item_delete.item_id = item_id
        case commands.PlaybackCredit(response, played_ms):
            credit = pb.PlaybackCredit(response=response, played_ms=played_ms)
            message.playback_credit.CopyFrom(credit)
        case commands.Close(reason):
            message.close.reason = reason
    return message


def command_from_protobuf(message: pb.Command) -> commands.Command | None:
    """The command, or None for a kind that this build does not know."""
    match message.WhichOneof("kind"):
        case "open":
            return _read_open(message.open)
        case "update":
            return commands.Update(_read_config(message.update.config))
        case "commit":
            return commands.Commit(message.commit.item_id)
        case "clear_input":
            return commands.ClearInput()
        case "respond":
            return _read_respond(message.respond)
        case "cancel":
            return commands.Cancel(message.cancel.response, message.cancel.played_ms)
        case "item_create":
            create = message.item_create
            return commands.ItemCreate(_read_item(create.item), create.previous_item_id)
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


def _write_open(command: commands.Open) -> pb.Open:
    return pb.Open(
        call_id=command.call_id,
        model=command.model,
        config=_write_config(command.config),
        history=[_write_item(item) for item in command.history],
        traceparent=command.traceparent,
    )


def _read_open(message: pb.Open) -> commands.Open:
    return commands.Open(
        call_id=message.call_id,
        model=message.model,
        config=_read_config(message.config),
        history=tuple(_read_item(item) for item in message.history),
        traceparent=message.traceparent,
    )


def _write_config(config: SessionConfig) -> pb.SessionConfig:
    detection, transcription = config.turn_detection, config.transcription
    return pb.SessionConfig(
        instructions=config.instructions,
        voice=config.voice,
        turn_detection=_write_detection(detection) if detection else None,
        transcription=_write_transcription(transcription) if transcription else None,
        text_only=config.text_only,
        tools=[
            pb.Tool(
                name=tool.name, description=tool.description, parameters_json=tool.parameters_json
            )
            for tool in config.tools
        ],
        tool_choice=config.tool_choice,
        max_output_tokens=config.max_output_tokens,
        output_credit_ms=config.output_credit_ms,
        speed=config.speed,
        single_tool_call=not config.parallel_tool_calls,
        truncation=_write_truncation(config.truncation),
    )


def _read_config(message: pb.SessionConfig) -> SessionConfig:
    detection = message.turn_detection if message.HasField("turn_detection") else None
    transcription = message.transcription if message.HasField("transcription") else None
    return SessionConfig(
        instructions=message.instructions,
        voice=message.voice,
        turn_detection=_read_detection(detection) if detection is not None else None,
        transcription=_read_transcription(transcription) if transcription is not None else None,
        text_only=message.text_only,
        tools=tuple(
            Tool(tool.name, tool.description, tool.parameters_json) for tool in message.tools
        ),
        tool_choice=message.tool_choice or "auto",
        max_output_tokens=message.max_output_tokens,
        output_credit_ms=message.output_credit_ms or DEFAULT_OUTPUT_CREDIT_MS,
        speed=message.speed if MIN_SPEED <= message.speed <= MAX_SPEED else 1.0,
        parallel_tool_calls=not message.single_tool_call,
        truncation=_read_truncation(message.truncation),
    )


def _write_truncation(truncation: Truncation) -> pb.Truncation | None:
    if truncation == Truncation():
        return None
    return pb.Truncation(
        disabled=truncation.disabled,
        retention_ratio=truncation.retention_ratio,
        max_tokens=truncation.max_tokens,
    )


def _read_truncation(message: pb.Truncation) -> Truncation:
    ratio = message.retention_ratio
    return Truncation(message.disabled, ratio if 0 < ratio <= 1 else 0.0, message.max_tokens)


def _write_detection(detection: TurnDetection) -> pb.TurnDetection:
    return pb.TurnDetection(
        kind=_DETECTION_KINDS[detection.kind],
        threshold=detection.threshold,
        prefix_padding_ms=detection.prefix_padding_ms,
        silence_duration_ms=detection.silence_duration_ms,
        create_response=detection.create_response,
        eagerness=_EAGERNESS[detection.eagerness],
    )


def _read_detection(message: pb.TurnDetection) -> TurnDetection:
    return TurnDetection(
        kind=_DETECTION_KINDS_READ.get(message.kind, TurnDetectionKind.SERVER_VAD),
        threshold=message.threshold if 0 < message.threshold <= 1 else DEFAULT_THRESHOLD,
        prefix_padding_ms=min(message.prefix_padding_ms, MAX_PREFIX_PADDING_MS),
        silence_duration_ms=message.silence_duration_ms,
        create_response=message.create_response,
        eagerness=_EAGERNESS_READ.get(message.eagerness, Eagerness.MEDIUM),
    )


def _write_transcription(wanted: Transcription) -> pb.Transcription:
    return pb.Transcription(model=wanted.model, language=wanted.language, prompt=wanted.prompt)


def _read_transcription(message: pb.Transcription) -> Transcription:
    return Transcription(message.model, message.language, message.prompt)


def _write_item(item: items.Item) -> pb.Item:
    message = pb.Item(id=item.id, role=_ROLES[item.role], images=item.images)
    match item.content:
        case str(text):
            message.text = text
        case items.FunctionCall(call_id, name, arguments_json):
            call = pb.FunctionCall(call_id=call_id, name=name, arguments_json=arguments_json)
            message.function_call.CopyFrom(call)
        case items.FunctionCallOutput(call_id, output):
            returned = pb.FunctionCallOutput(call_id=call_id, output=output)
            message.function_call_output.CopyFrom(returned)
    return message


def _read_item(message: pb.Item) -> items.Item:
    content: str | items.FunctionCall | items.FunctionCallOutput = message.text
    match message.WhichOneof("content"):
        case "function_call":
            call = message.function_call
            content = items.FunctionCall(call.call_id, call.name, call.arguments_json)
        case "function_call_output":
            returned = message.function_call_output
            content = items.FunctionCallOutput(returned.call_id, returned.output)
    role = _ROLES_READ.get(message.role, items.Role.USER)
    return items.Item(message.id, role, content, tuple(message.images))


def _write_respond(command: commands.Respond) -> pb.Respond:
    config, context = command.config, command.context
    return pb.Respond(
        response=command.response,
        item_id=command.item_id,
        config=None if config is None else _write_config(config),
        context=None if context is None else pb.Context(items=map(_write_item, context)),
        out_of_band=command.out_of_band,
        said=command.said,
        traceparent=command.traceparent,
    )


def _read_respond(message: pb.Respond) -> commands.Respond:
    context = message.context.items if message.HasField("context") else None
    return commands.Respond(
        response=message.response,
        item_id=message.item_id,
        config=_read_config(message.config) if message.HasField("config") else None,
        context=None if context is None else tuple(map(_read_item, context)),
        out_of_band=message.out_of_band,
        said=message.said,
        traceparent=message.traceparent,
    )
