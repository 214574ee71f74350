"""What an engine's session emits: the trunk's events, and audio."""

from dataclasses import dataclass

from antiphon_proto.trunk import (
    Done,
    Event,
    ResponseStarted,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    WordsSpoken,
)


@dataclass(frozen=True, slots=True)
class Audio:
    """Samples of a response at the session's output rate, behind those given before."""

    response: int
    pcm: bytes


ResponseEvent = ResponseStarted | TextDelta | WordsSpoken | ToolCallDelta | ToolCall | Done
EngineOutput = Event | Audio
