"""What a WebSocket caller says: `input_audio_buffer.append` events, their audio encoded before."""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass

from loadtest.callers.speech import FRAME_S, Speech

RATE = 24_000
BYTES_PER_SECOND = 2 * RATE
FRAME_BYTES = int(BYTES_PER_SECOND * FRAME_S)

_BEGIN = '{"type":"input_audio_buffer.append","audio":"'
_END = '"}'


@dataclass(frozen=True, slots=True)
class EncodedSpeech:
    """All that there is to be said, in base64.

    A frame of 20 ms is 960 bytes, which need no padding, so that frames may be put together.
    """

    utterances: tuple[tuple[str, ...], ...]
    silence: str

    @classmethod
    def of(cls, speech: Speech) -> "EncodedSpeech":
        frames = (speech.pcm(number, RATE) for number in range(len(speech.utterances)))
        return cls(
            tuple(tuple(map(_encoded, each)) for each in frames), _encoded(bytes(FRAME_BYTES))
        )


def append_event(frames: Sequence[str]) -> str:
    """The event that has these encoded frames, one behind the other."""
    return "".join((_BEGIN, *frames, _END))


def audio_seconds(encoded: str) -> float:
    """How long the audio of an `response.output_audio.delta` is, without decoding it."""
    padding = 2 if encoded.endswith("==") else encoded.endswith("=")
    return (len(encoded) * 3 // 4 - padding) / BYTES_PER_SECOND


def _encoded(frame: bytes) -> str:
    return b64encode(frame).decode()
