"""What a WebSocket caller says: `input_audio_buffer.append` events, their audio encoded before."""

from base64 import b64encode
from collections.abc import Sequence
from functools import cache

from loadtest.callers.speech import FRAME_S, Speech

RATE = 24_000
BYTES_PER_SECOND = 2 * RATE
FRAME_BYTES = int(BYTES_PER_SECOND * FRAME_S)

_BEGIN = '{"type":"input_audio_buffer.append","audio":"'
_END = '"}'


@cache
def encoded_silence() -> str:
    """20 ms."""
    return b64encode(bytes(FRAME_BYTES)).decode()


@cache
def encoded_frames(speech: Speech, utterance: int) -> tuple[str, ...]:
    """Base64 of an utterance's frames of 20 ms. A frame's 960 bytes need no padding, so that
    frames may be put together."""
    return tuple(b64encode(frame).decode() for frame in speech.pcm(utterance, RATE))


def append_event(frames: Sequence[str]) -> str:
    """The event that has these encoded frames, one behind the other."""
    return "".join((_BEGIN, *frames, _END))


def audio_seconds(encoded: str) -> float:
    """How long the audio of an `response.output_audio.delta` is, without decoding it."""
    padding = 2 if encoded.endswith("==") else encoded.endswith("=")
    return (len(encoded) * 3 // 4 - padding) / BYTES_PER_SECOND
