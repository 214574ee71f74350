"""Events to and from protobuf: the replica's edge and the transceiver's."""

from antiphon_proto.inference.v1 import inference_pb2 as pb
from antiphon_proto.trunk import events
from antiphon_proto.trunk.items import FunctionCall

_STATUS = {
    events.DoneStatus.COMPLETED: pb.Done.STATUS_COMPLETED,
    events.DoneStatus.CANCELLED: pb.Done.STATUS_CANCELLED,
    events.DoneStatus.INCOMPLETE: pb.Done.STATUS_INCOMPLETE,
    events.DoneStatus.FAILED: pb.Done.STATUS_FAILED,
}
_STATUS_READ = {value: status for status, value in _STATUS.items()}
_STAGES = {
    events.Stage.TURN_ENDED: pb.StageTime.STAGE_TURN_ENDED,
    events.Stage.TRANSCRIPT_FINAL: pb.StageTime.STAGE_TRANSCRIPT_FINAL,
    events.Stage.RESPOND: pb.StageTime.STAGE_RESPOND,
    events.Stage.FIRST_TEXT: pb.StageTime.STAGE_FIRST_TEXT,
    events.Stage.FIRST_AUDIO: pb.StageTime.STAGE_FIRST_AUDIO,
}
_STAGES_READ = {value: stage for stage, value in _STAGES.items()}


def event_to_protobuf(session: int, after_frames: int, event: events.Event) -> pb.Event:
    """`event` of session number `session`, behind `after_frames` frames of its message."""
    message = pb.Event(session=session, after_frames=after_frames)
    match event:
        case events.Ready():
            message.ready.CopyFrom(_write_ready(event))
        case events.SpeechStarted(audio_start_ms):
            message.speech_started.audio_start_ms = audio_start_ms
        case events.SpeechStopped(audio_end_ms):
            message.speech_stopped.audio_end_ms = audio_end_ms
        case events.FloorTaken():
            message.floor_taken.SetInParent()
        case events.SpeechDismissed(audio_end_ms):
            message.speech_dismissed.audio_end_ms = audio_end_ms
        case events.TurnEnded(voiced_end_ms):
            message.turn_ended.voiced_end_ms = voiced_end_ms
        case events.InputTranscript():
            message.input_transcript.CopyFrom(_write_transcript(event))
        case events.ResponseStarted(response):
            message.response_started.response = response
        case events.TextDelta(response, text):
            message.text_delta.CopyFrom(pb.TextDelta(response=response, text=text))
        case events.WordsSpoken():
            message.words_spoken.CopyFrom(_write_words(event))
        case events.ResponseProposed():
            message.response_proposed.SetInParent()
        case events.ToolCallDelta():
            message.tool_call_delta.CopyFrom(_write_call_delta(event))
        case events.ToolCall(response, call):
            message.tool_call.CopyFrom(pb.ToolCall(response=response, call=_write_call(call)))
        case events.Done():
            message.done.CopyFrom(_write_done(event))
        case events.Draining(deadline_ms):
            message.draining.deadline_ms = deadline_ms
        case events.Error(code, text, fatal):
            message.error.CopyFrom(pb.Error(code=str(code), message=text, fatal=fatal))
    return message


def event_from_protobuf(message: pb.Event) -> events.Event | None:
    """The event, or None for a kind that this build does not know."""
    match message.WhichOneof("kind"):
        case "ready":
            return _read_ready(message.ready)
        case "speech_started":
            return events.SpeechStarted(message.speech_started.audio_start_ms)
        case "speech_stopped":
            return events.SpeechStopped(message.speech_stopped.audio_end_ms)
        case "floor_taken":
            return events.FloorTaken()
        case "speech_dismissed":
            return events.SpeechDismissed(message.speech_dismissed.audio_end_ms)
        case "turn_ended":
            return events.TurnEnded(message.turn_ended.voiced_end_ms)
        case "input_transcript":
            heard = message.input_transcript
            return events.InputTranscript(heard.item_id, heard.text, heard.final, heard.error)
        case "response_started":
            return events.ResponseStarted(message.response_started.response)
        case "text_delta":
            return events.TextDelta(message.text_delta.response, message.text_delta.text)
        case "words_spoken":
            return _read_words(message.words_spoken)
        case "response_proposed":
            return events.ResponseProposed()
        case "tool_call_delta":
            return _read_call_delta(message.tool_call_delta)
        case "tool_call":
            call = message.tool_call.call
            return events.ToolCall(
                message.tool_call.response,
                FunctionCall(call.call_id, call.name, call.arguments_json),
            )
        case "done":
            return _read_done(message.done)
        case "draining":
            return events.Draining(message.draining.deadline_ms)
        case "error":
            error = message.error
            return events.Error(error.code, error.message, error.fatal)
    return None


def _write_ready(event: events.Ready) -> pb.Ready:
    return pb.Ready(
        engine=event.engine,
        input_rate=event.input_rate,
        output_rate=event.output_rate,
        full_duplex=event.full_duplex,
        judges_interruptions=event.judges_interruptions,
    )


def _read_ready(message: pb.Ready) -> events.Ready:
    return events.Ready(
        message.engine,
        message.input_rate,
        message.output_rate,
        message.full_duplex,
        message.judges_interruptions,
    )


def _write_transcript(event: events.InputTranscript) -> pb.InputTranscript:
    return pb.InputTranscript(
        item_id=event.item_id, text=event.text, final=event.final, error=event.error
    )


def _write_words(event: events.WordsSpoken) -> pb.WordsSpoken:
    words = [
        pb.WordEnd(text_end=word.text_end, audio_end_ms=word.audio_end_ms) for word in event.words
    ]
    return pb.WordsSpoken(response=event.response, words=words)


def _read_words(message: pb.WordsSpoken) -> events.WordsSpoken:
    words = (events.WordEnd(word.text_end, word.audio_end_ms) for word in message.words)
    return events.WordsSpoken(message.response, tuple(words))


def _write_call(call: FunctionCall) -> pb.FunctionCall:
    return pb.FunctionCall(call_id=call.call_id, name=call.name, arguments_json=call.arguments_json)


def _write_call_delta(event: events.ToolCallDelta) -> pb.ToolCallDelta:
    return pb.ToolCallDelta(
        response=event.response,
        call_id=event.call_id,
        name=event.name,
        arguments_json=event.arguments_json,
    )


def _read_call_delta(message: pb.ToolCallDelta) -> events.ToolCallDelta:
    return events.ToolCallDelta(
        message.response, message.call_id, message.name, message.arguments_json
    )


def _write_done(event: events.Done) -> pb.Done:
    usage = event.usage
    return pb.Done(
        response=event.response,
        status=_STATUS[event.status],
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


def _read_done(message: pb.Done) -> events.Done:
    """A status that this build does not know counts as failed; such a stage is left out."""
    usage = message.usage
    return events.Done(
        response=message.response,
        status=_STATUS_READ.get(message.status, events.DoneStatus.FAILED),
        reason=message.reason,
        usage=events.Usage(
            input_text_tokens=usage.input_text_tokens,
            input_audio_tokens=usage.input_audio_tokens,
            cached_tokens=usage.cached_tokens,
            output_text_tokens=usage.output_text_tokens,
            output_audio_tokens=usage.output_audio_tokens,
        ),
        stages=tuple(
            events.StageTime(_STAGES_READ[time.stage], time.after_voiced_end_us)
            for time in message.stages
            if time.stage in _STAGES_READ
        ),
    )
