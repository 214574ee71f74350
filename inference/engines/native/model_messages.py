"""What the engine and its model's process say to each other, in worker messages.

    OPEN_STREAM, CLOSE_STREAM    a session takes a slot, and gives it back
    AUDIO                        80 ms that it heard, 16 bit samples
    MODEL, READY                 from the process, once: what it holds
    STEP                         80 ms of its agent: below
    BATCH                        a batch was run

A STEP's payload is `float rms | uint16 bytes of the piece | piece, UTF-8 | samples`,
little endian. There are no samples in a conversation's first steps.
"""

import struct
from typing import NamedTuple

import msgspec

from antiphon_proto.audio_block import BYTES_PER_SAMPLE
from inference.engines.native.step import STEP_SAMPLES

_HEAD = struct.Struct("<fH")


class ModelMessageError(ValueError):
    """The bytes are no step."""


class ModelInfo(msgspec.Struct, frozen=True):
    slots: int
    """Sessions that it has room for."""
    step_seconds: float
    """What a step of all of them took at the start."""
    context_steps: int


class BatchReport(msgspec.Struct, frozen=True):
    seconds: float
    slots: int
    """How many stepped."""
    stalled: int
    shed: dict[str, int]
    handoffs: int
    forgotten: int
    """These four since the process started."""


class AgentStep(NamedTuple):
    """80 ms of an agent."""

    rms: float
    """Loudness, 1 for full scale."""
    piece: str
    """A piece of a word, as the tokenizer writes it; empty while none begins."""
    pcm: bytes
    """16 bit samples; empty in the first steps."""

    def pack(self) -> bytes:
        piece = self.piece.encode()
        return _HEAD.pack(self.rms, len(piece)) + piece + self.pcm

    @classmethod
    def unpack(cls, payload: bytes) -> "AgentStep":
        """Raises ModelMessageError."""
        try:
            rms, length = _HEAD.unpack_from(payload)
            piece = payload[_HEAD.size : _HEAD.size + length].decode()
        except (struct.error, UnicodeDecodeError) as error:
            raise ModelMessageError(f"a step of {len(payload)} bytes") from error
        pcm = payload[_HEAD.size + length :]
        if len(pcm) not in (0, STEP_SAMPLES * BYTES_PER_SAMPLE):
            raise ModelMessageError(f"a step with {len(pcm)} bytes of samples")
        return cls(rms, piece, pcm)
