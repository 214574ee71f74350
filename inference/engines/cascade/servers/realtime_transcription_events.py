"""The messages of vLLM's realtime transcription WebSocket.

    client                                        server
                                              ◄── session.created
    session.update (model) ──►
    input_audio_buffer.commit ──►                 begins to transcribe
    input_audio_buffer.append (audio) ──►     ◄── transcription.delta, again and again
    input_audio_buffer.commit (final) ──►     ◄── transcription.done

https://docs.vllm.ai/en/latest/api/vllm/entrypoints/speech_to_text/realtime/
"""

from base64 import b64encode
from dataclasses import dataclass

import msgspec

MAX_TEXT_CHARACTERS = 100_000
"""Of one message; more is no transcript of an utterance."""


class TranscriptionEventError(ValueError):
    """The server's message is none of its protocol."""


@dataclass(frozen=True, slots=True)
class Created:
    """The connection is ready."""


@dataclass(frozen=True, slots=True)
class Delta:
    text: str
    """Follows the text before it; may be empty."""


@dataclass(frozen=True, slots=True)
class Transcribed:
    text: str
    """The whole transcript."""


@dataclass(frozen=True, slots=True)
class Refused:
    code: str


@dataclass(frozen=True, slots=True)
class Other:
    """An event that tells nothing of the transcript."""


ServerEvent = Created | Delta | Transcribed | Refused | Other


class _Message(msgspec.Struct):
    """What is used of a message; vLLM's error is a text, others' is an object."""

    type: str
    delta: str | None = None
    text: str | None = None
    code: str | None = None


def read_event(data: str | bytes) -> ServerEvent:
    """Raises TranscriptionEventError."""
    try:
        message = msgspec.json.decode(data, type=_Message)
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise TranscriptionEventError("a message that cannot be read") from error
    match message.type:
        case "session.created":
            return Created()
        case "transcription.delta":
            return Delta(_text(message.delta))
        case "transcription.done":
            return Transcribed(_text(message.text))
        case "error":
            return Refused((message.code or "")[:64])
    return Other()


def update(model: str) -> str:
    """What names the model; nothing is transcribed before."""
    return _json({"type": "session.update", "model": model})


def append(pcm: bytes) -> str:
    """16 bit mono samples at 16 kHz; never empty."""
    return _json({"type": "input_audio_buffer.append", "audio": b64encode(pcm).decode()})


def commit(*, final: bool) -> str:
    """Begin to transcribe what comes, or end with what came."""
    return _json({"type": "input_audio_buffer.commit", "final": final})


def _text(value: str | None) -> str:
    if value is None or len(value) > MAX_TEXT_CHARACTERS:
        raise TranscriptionEventError("a message without a fitting text")
    return value


def _json(message: dict[str, object]) -> str:
    return msgspec.json.encode(message).decode()
