"""WAV files: the one that is sent to be transcribed, and the header that speech may come with.

https://www.mmsp.ece.mcgill.ca/Documents/AudioFormats/WAVE/WAVE.html
"""

import struct
from typing import NamedTuple

from antiphon_proto.audio_block import BYTES_PER_SAMPLE

PCM_FORMAT = 1
EXTENSIBLE_FORMAT = 0xFFFE

MAX_HEADER_BYTES = 4096
"""More than this before the samples is no header of a speech server."""

_RIFF = struct.Struct("<4sI4s")
_CHUNK = struct.Struct("<4sI")
_FORMAT = struct.Struct("<HHIIHH")


class WavError(ValueError):
    """The header is none, or promises what cannot be played."""


class WavHeader(NamedTuple):
    rate: int
    size: int
    """Bytes up to the first sample."""


def wav_file(pcm: bytes, rate: int) -> bytes:
    """A file of 16 bit mono samples."""
    chunk = _FORMAT.pack(PCM_FORMAT, 1, rate, rate * BYTES_PER_SAMPLE, BYTES_PER_SAMPLE, 16)
    head = _CHUNK.pack(b"fmt ", len(chunk)) + chunk + _CHUNK.pack(b"data", len(pcm))
    return _RIFF.pack(b"RIFF", 4 + len(head) + len(pcm), b"WAVE") + head + pcm


def read_header(data: bytes) -> WavHeader | None:
    """The header that `data` begins with, or None while more of it must come.

    The lengths of the whole and of its samples are not believed: who streams does not know them.
    Raises WavError.
    """
    if len(data) < _RIFF.size:
        return None
    riff, _, wave = _RIFF.unpack_from(data)
    if (riff, wave) != (b"RIFF", b"WAVE"):
        raise WavError("not a WAV file")
    rate, start = 0, _RIFF.size
    while len(data) >= start + _CHUNK.size:
        name, size = _CHUNK.unpack_from(data, start)
        start += _CHUNK.size
        if name == b"data":
            if not rate:
                raise WavError("samples without a format")
            return WavHeader(rate, start)
        if start + size > MAX_HEADER_BYTES:
            raise WavError("no samples within the header's longest length")
        if name == b"fmt ":
            if len(data) < start + size:
                return None
            rate = _rate(data[start : start + size])
        start += size + size % 2
    return None


def _rate(chunk: bytes) -> int:
    if len(chunk) < _FORMAT.size:
        raise WavError("a format cut short")
    kind, channels, rate, _, _, bits = _FORMAT.unpack_from(chunk)
    if kind not in (PCM_FORMAT, EXTENSIBLE_FORMAT) or (channels, bits) != (1, 16):
        raise WavError("not 16 bit mono samples")
    return int(rate)
