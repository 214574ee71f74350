"""The flat audio block of the trunk: many sessions' PCM frames in two byte strings.

`AudioBlock` in `inference.proto` gives the layout; `docs/wire/trunk.md` says
what a position means in each direction. A frame is signed 16 bit, little
endian, mono PCM, so its length is even.
"""

import struct
from collections.abc import Iterable
from typing import NamedTuple

from antiphon_proto.inference.v1.inference_pb2 import AudioBlock

BYTES_PER_SAMPLE = 2

_HEADER = struct.Struct("<IIQ")
HEADER_BYTES = _HEADER.size


class AudioBlockError(ValueError):
    """The block's headers and samples do not belong together, or a field is out of range."""


class AudioFrameHeader(NamedTuple):
    """Names one frame of a block; 16 bytes on the wire."""

    session: int
    """The session's number on its trunk, 32 bits."""
    length: int
    """Bytes of samples, 32 bits."""
    position: int
    """Uplink: samples since the session's first. Downlink: see `downlink_position`. 64 bits."""

    @classmethod
    def unpack_from(cls, headers: bytes, start: int) -> "AudioFrameHeader":
        """The header at byte `start`, of which HEADER_BYTES must follow."""
        return cls(*_HEADER.unpack_from(headers, start))


class AudioFrame(NamedTuple):
    """One session's run of samples within a block."""

    session: int
    position: int
    pcm: bytes


def pack_frames(frames: Iterable[tuple[int, int, bytes]]) -> AudioBlock:
    """Lay (session, position, pcm) frames out flat, in their order.

    Raises AudioBlockError for a field out of range or half a sample.
    """
    pack = _HEADER.pack
    headers: list[bytes] = []
    samples: list[bytes] = []
    try:
        for session, position, pcm in frames:
            length = len(pcm)
            if length % BYTES_PER_SAMPLE:
                raise AudioBlockError(f"a frame of {length} bytes ends within a sample")
            headers.append(pack(session, length, position))
            samples.append(pcm)
    except struct.error as error:
        raise AudioBlockError(f"a frame's header does not fit its fields: {error}") from error
    return AudioBlock(headers=b"".join(headers), samples=b"".join(samples))


def unpack_frames(block: AudioBlock) -> list[AudioFrame]:
    """The block's frames in order; the whole block is checked before any is returned.

    Raises AudioBlockError.
    """
    packed, samples = block.headers, block.samples
    if len(packed) % HEADER_BYTES:
        raise AudioBlockError(f"{len(packed)} bytes of headers end within a header")
    frames: list[AudioFrame] = []
    start = 0
    for session, length, position in _HEADER.iter_unpack(packed):
        end = start + length
        if length % BYTES_PER_SAMPLE:
            raise AudioBlockError(f"a frame of {length} bytes ends within a sample")
        if end > len(samples):
            raise AudioBlockError(f"headers name more than the {len(samples)} bytes of samples")
        frames.append(AudioFrame(session, position, samples[start:end]))
        start = end
    if start != len(samples):
        raise AudioBlockError(f"headers name {start} of {len(samples)} bytes of samples")
    return frames


def downlink_position(response: int, offset: int) -> int:
    """A downlink frame's position: its response and its first sample's offset in it, in samples."""
    return response << 32 | offset


def split_downlink_position(position: int) -> tuple[int, int]:
    """The response and the offset in samples that `downlink_position` joined."""
    return position >> 32, position & 0xFFFF_FFFF
