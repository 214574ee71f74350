import ctypes
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transceiver.audio import opus
from transceiver.audio.opus import LibraryNotFoundError, OpusDecoder, OpusEncoder, OpusError

RATE = 24000
FRAME = RATE // 50


def chirp(seconds: float, rate: int = RATE, low: float = 200, high: float = 2000) -> np.ndarray:
    """A swept tone at half of full scale: it correlates with itself at one place only."""
    time = np.arange(int(seconds * rate)) / rate
    phase = 2 * math.pi * (low * time + (high - low) * time**2 / (2 * seconds))
    return (16000 * np.sin(phase)).astype("<i2")


def frames(pcm: np.ndarray, size: int = FRAME) -> list[bytes]:
    return [pcm[start : start + size].tobytes() for start in range(0, len(pcm) - size + 1, size)]


def similarity(original: np.ndarray, decoded: np.ndarray, rate: int = RATE) -> float:
    """The best correlation over the delays that a codec may add."""
    best = 0.0
    for delay in range(int(0.02 * rate)):
        a = original[: len(original) - delay].astype(float)
        b = decoded[delay : delay + len(a)].astype(float)
        a = a[: len(b)]
        best = max(best, float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b) + 1e-9)))
    return best


def samples(pcm: bytes) -> np.ndarray:
    return np.frombuffer(pcm, "<i2")


@pytest.mark.parametrize("rate", opus.RATES)
def test_speech_band_audio_survives_coding_at_every_rate(rate: int) -> None:
    original = chirp(0.4, rate)
    encoder, decoder = OpusEncoder(rate), OpusDecoder(rate)
    packets = [encoder.encode(frame) for frame in frames(original, rate // 50)]
    assert {decoder.duration(packet) for packet in packets} == {rate // 50}
    decoded = b"".join(decoder.decode(packet) for packet in packets)
    assert len(decoded) == len(original) * 2
    assert similarity(original, samples(decoded), rate) > 0.9


def test_the_bitrate_is_kept() -> None:
    encoder = OpusEncoder(RATE, bitrate=32000)
    packets = [encoder.encode(frame) for frame in frames(chirp(2.0))]
    assert 16000 < sum(map(len, packets)) * 8 / 2.0 < 48000


def test_fec_recovers_a_lost_frame_from_the_next_packet_better_than_concealment() -> None:
    original = chirp(1.0)
    encoder = OpusEncoder(RATE)
    packets = [encoder.encode(frame) for frame in frames(original)]

    def decode_with_losses(*, fec: bool) -> np.ndarray:
        decoder = OpusDecoder(RATE)
        out: list[bytes] = []
        for index, packet in enumerate(packets):
            if index % 5 == 3:
                continue
            if index % 5 == 4:
                out.append(decoder.decode_fec(packet, FRAME) if fec else decoder.conceal(FRAME))
            out.append(decoder.decode(packet))
        return samples(b"".join(out))

    repaired, concealed = decode_with_losses(fec=True), decode_with_losses(fec=False)
    assert len(repaired) == len(concealed) == len(original)
    assert similarity(original, repaired) > similarity(original, concealed)
    assert similarity(original, repaired) > 0.85


def test_concealment_fades_out() -> None:
    encoder, decoder = OpusEncoder(RATE), OpusDecoder(RATE)
    for frame in frames(chirp(0.4)):
        decoder.decode(encoder.encode(frame))
    concealed = [samples(decoder.conceal(FRAME)).astype(float) for _ in range(50)]
    assert np.abs(concealed[0]).max() > 1000
    assert np.abs(concealed[-1]).max() < 100


def test_a_reset_decoder_decodes_as_a_fresh_one() -> None:
    encoder, used, fresh = OpusEncoder(RATE), OpusDecoder(RATE), OpusDecoder(RATE)
    packets = [encoder.encode(frame) for frame in frames(chirp(0.2))]
    for packet in packets[:5]:
        used.decode(packet)
    used.reset()
    assert [used.decode(p) for p in packets] == [fresh.decode(p) for p in packets]


def test_codecs_do_not_disturb_each_other() -> None:
    packets = [OpusEncoder(RATE).encode(frame) for frame in frames(chirp(0.02))]
    one, other = OpusDecoder(RATE), OpusDecoder(RATE)
    first = one.decode(packets[0])
    assert other.decode(packets[0]) == first


@pytest.mark.parametrize("pcm", [b"", b"\0\0", bytes(2 * FRAME - 2), bytes(10 * RATE)])
def test_a_frame_of_no_coded_duration_is_refused(pcm: bytes) -> None:
    with pytest.raises(OpusError):
        OpusEncoder(RATE).encode(pcm)


@pytest.mark.parametrize("packet", [b"", b"\xff", b"\xff\xff\xff"])
def test_what_is_not_opus_is_refused(packet: bytes) -> None:
    with pytest.raises(OpusError):
        OpusDecoder(RATE).decode(packet)


@pytest.mark.parametrize("count", [0, -1, 48000])
def test_an_impossible_concealment_is_refused(count: int) -> None:
    with pytest.raises(OpusError):
        OpusDecoder(RATE).conceal(count)


@given(st.binary(max_size=300))
def test_any_bytes_decode_or_raise_the_documented_error(packet: bytes) -> None:
    decoder = OpusDecoder(RATE)
    for decode in decoder.duration, decoder.decode, lambda p: decoder.decode_fec(p, FRAME):
        try:
            decode(packet)
        except OpusError:
            continue


def test_an_unsupported_rate_is_refused() -> None:
    for codec in OpusDecoder, OpusEncoder:
        with pytest.raises(ValueError, match="44100"):
            codec(44100)


@pytest.fixture
def _uncached_library() -> None:
    opus.library.cache_clear()


def test_the_library_found_is_new_enough() -> None:
    assert opus._version(opus.library()) >= opus.OLDEST_VERSION


@pytest.mark.usefixtures("_uncached_library")
def test_without_any_library_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def no_library(name: str) -> ctypes.CDLL:
        raise OSError(name)

    monkeypatch.setattr(ctypes, "CDLL", no_library)
    with pytest.raises(LibraryNotFoundError, match="pip install av"):
        opus.library()


@pytest.mark.usefixtures("_uncached_library")
def test_an_old_library_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opus, "_version", lambda _library: (1, 4))
    with pytest.raises(LibraryNotFoundError):
        opus.library()
