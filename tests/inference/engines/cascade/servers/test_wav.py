"""The WAV headers that are written, and those that speech servers send."""

import io
import struct
import wave

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.engines.cascade.servers.wav import (
    MAX_HEADER_BYTES,
    WavError,
    WavHeader,
    read_header,
    wav_file,
)

PCM = bytes(range(200))
WHOLE = wav_file(PCM, 24_000)


def streamed(chunks: bytes) -> bytes:
    """As servers write that do not know the length."""
    return b"RIFF\xff\xff\xff\xffWAVE" + chunks


def fmt(kind: int = 1, channels: int = 1, rate: int = 24_000, bits: int = 16) -> bytes:
    content = struct.pack("<HHIIHH", kind, channels, rate, 0, 0, bits)
    return b"fmt " + struct.pack("<I", len(content)) + content


DATA = b"data\xff\xff\xff\xff"


def test_the_standard_library_reads_what_is_written() -> None:
    with wave.open(io.BytesIO(wav_file(PCM, 16_000))) as file:
        assert file.getparams()[:4] == (1, 2, 16_000, 100)
        assert file.readframes(100) == PCM


def test_what_is_written_is_read() -> None:
    header = read_header(WHOLE)
    assert header == WavHeader(24_000, 44)
    assert WHOLE[44:] == PCM


@pytest.mark.parametrize("size", range(44))
def test_part_of_a_header(size: int) -> None:
    assert read_header(WHOLE[:size]) is None


@pytest.mark.parametrize(
    ("data", "header"),
    [
        (streamed(fmt() + DATA), WavHeader(24_000, 44)),
        (streamed(b"LIST\x03\0\0\0abc\0" + fmt(rate=22_050) + DATA), WavHeader(22_050, 56)),
        (streamed(fmt(kind=0xFFFE) + DATA), WavHeader(24_000, 44)),
    ],
)
def test_headers_of_servers(data: bytes, header: WavHeader) -> None:
    assert read_header(data) == header


@pytest.mark.parametrize(
    "data",
    [
        b"ID3 and not a WAV file",
        streamed(DATA),
        streamed(b"fmt \x02\0\0\0\0\0" + DATA),
        streamed(fmt(kind=3, bits=32) + DATA),
        streamed(fmt(channels=2) + DATA),
        streamed(fmt(bits=8) + DATA),
        streamed(b"junk\xff\xff\xff\x7f"),
        streamed((b"junk\0\0\0\0") * (MAX_HEADER_BYTES // 8)),
    ],
)
def test_what_cannot_be_played(data: bytes) -> None:
    with pytest.raises(WavError):
        read_header(data)


@given(st.binary(max_size=200), st.booleans())
def test_anything(data: bytes, header: bool) -> None:
    data = streamed(data) if header else data
    try:
        found = read_header(data)
    except WavError:
        return
    assert found is None or found.size <= len(data)
