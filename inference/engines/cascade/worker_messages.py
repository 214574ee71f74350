"""What the cascade's worker processes and their parent say to each other over pipes.

    uint32 length of what follows | uint8 kind | uint32 stream | uint32 job | payload

Integers are little endian. A stream is a session's recogniser; a job is one
utterance to recognise or one piece of text to speak, numbered by the parent.
"""

import struct
from enum import IntEnum
from typing import NamedTuple

import msgspec

MAX_MESSAGE_BYTES = 1 << 20

_PREFIX = struct.Struct("<IBII")
_LENGTH = struct.Struct("<I")


class WorkerMessageError(ValueError):
    """The bytes are no worker message."""


class Kind(IntEnum):
    READY = 1
    """From a worker that can take work; the first message."""
    OPEN_STREAM = 2
    CLOSE_STREAM = 3
    BEGIN = 4
    """An utterance starts."""
    AUDIO = 5
    """PCM: of an utterance, at 16 kHz; or of a piece of speech, at 24 kHz."""
    FINISH = 6
    """The utterance is over: its final transcript is wanted."""
    ABORT = 7
    """Nothing more of the job is wanted."""
    PARTIAL = 8
    """The utterance so far, as a Partial."""
    FINAL = 9
    """The utterance's transcript, UTF-8."""
    SPEAK = 10
    """A piece to speak, as a SpeakRequest."""
    END = 11
    """All audio of the piece was given."""
    WORDS = 12
    """Words of the piece whose end is known, as a list of SpokenWord."""
    MODEL = 13
    """What a speech model's process holds, as a ModelInfo; before READY."""
    STEP = 14
    """A step of a session's model, as `native.model_messages` packs it."""
    BATCH = 15
    """A batch of steps was run, as a BatchReport."""
    SETTLE = 16
    """The speaker pauses: the transcript so far is wanted."""
    SETTLED = 17
    """The transcript of all audio before SETTLE, UTF-8."""
    WORKED = 18
    """What was done since the last of these, as a Worked."""
    FAILED = 19
    """Why the worker cannot start, UTF-8; its last message."""


class WorkerMessage(NamedTuple):
    kind: Kind
    stream: int = 0
    job: int = 0
    payload: bytes = b""

    def encode(self) -> bytes:
        """Raises WorkerMessageError for a payload that is too long."""
        length = _PREFIX.size - _LENGTH.size + len(self.payload)
        if length > MAX_MESSAGE_BYTES:
            raise WorkerMessageError(f"a payload of {len(self.payload)} bytes is too long")
        return _PREFIX.pack(length, self.kind, self.stream, self.job) + self.payload


class WorkerMessageReader:
    """Cuts a byte stream into messages."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[WorkerMessage]:
        """The messages that `data` completes. Raises WorkerMessageError."""
        self._buffer += data
        messages = []
        start = 0
        while len(self._buffer) - start >= _PREFIX.size:
            length, kind, stream, job = _PREFIX.unpack_from(self._buffer, start)
            if not _PREFIX.size - _LENGTH.size <= length <= MAX_MESSAGE_BYTES:
                raise WorkerMessageError(f"a message of {length} bytes")
            end = start + _LENGTH.size + length
            if len(self._buffer) < end:
                break
            payload = bytes(self._buffer[start + _PREFIX.size : end])
            messages.append(WorkerMessage(_kind(kind), stream, job, payload))
            start = end
        del self._buffer[:start]
        return messages


class Partial(msgspec.Struct, frozen=True):
    text: str
    samples: int
    """How much of the utterance was decoded."""


class Worked(msgspec.Struct, frozen=True):
    seconds: float
    """Of CPU."""
    samples: int
    """Of the speech that was decoded or made."""


class SpeakRequest(msgspec.Struct, frozen=True):
    text: str
    voice: str
    """An espeak-ng voice, such as "en-us+f3"."""
    pitch: int
    """0 to 99; 50 is the voice's own."""
    words_per_minute: int


def _kind(value: int) -> Kind:
    try:
        return Kind(value)
    except ValueError as error:
        raise WorkerMessageError(f"no message has kind {value}") from error
