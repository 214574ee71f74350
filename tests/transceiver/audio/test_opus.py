import enum
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transceiver.audio import opus
from transceiver.audio.format import OpusPreferences
from transceiver.audio.libopus import OpusError
from transceiver.audio.opus import OpusDecoder, OpusEncoder
from transceiver.audio.opus_mode import OpusMode

RATE = 24000
FRAME = RATE // 50


def chirp(seconds: float, rate: int = RATE, low: float = 200, high: float = 2000) -> np.ndarray:
    """A swept tone at half of full scale: it correlates with itself at one place only."""
    time = np.arange(int(seconds * rate)) / rate
    phase = 2 * math.pi * (low * time + (high - low) * time**2 / (2 * seconds))
    return (16000 * np.sin(phase)).astype("<i2")


def voice(seconds: float, rate: int = RATE) -> np.ndarray:
    """A buzz at 120 Hz in noise, as loud as speech: it takes the bits that it may."""
    time = np.arange(int(seconds * rate)) / rate
    buzz = np.sign(np.sin(2 * math.pi * 120 * time)) * (1 + np.sin(2 * math.pi * 4 * time))
    noise = np.random.default_rng(1).normal(size=len(time))
    return (3000 * buzz + 1000 * noise).astype("<i2")


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


class Layer(enum.Enum):
    """Which of Opus's coders made a packet."""

    SILK = "silk"
    HYBRID = "hybrid"
    CELT = "celt"


def layer(packet: bytes) -> Layer:
    """By its first byte: https://www.rfc-editor.org/rfc/rfc6716#section-3.1"""
    configuration = packet[0] >> 3
    if configuration < 12:
        return Layer.SILK
    return Layer.HYBRID if configuration < 16 else Layer.CELT


def bitrate(packets: list[bytes]) -> float:
    return sum(map(len, packets)) * 8 / (len(packets) / 50)


@pytest.mark.parametrize("mode", OpusMode)
@pytest.mark.parametrize("before", OpusMode)
def test_a_mode_is_taken_on_from_any_other(mode: OpusMode, before: OpusMode) -> None:
    encoder = OpusEncoder(RATE)
    encoder.adapt(before, 0.0)
    pcm = frames(voice(3.0))
    for frame in pcm[:50]:
        encoder.encode(frame)
    encoder.adapt(mode, 0.0)
    # The first frame may still be of the other coder, that goes over to this one.
    packets = [encoder.encode(frame) for frame in pcm[50:]][1:]
    expected = Layer.HYBRID if mode is OpusMode.VOIP else Layer.CELT
    assert {layer(packet) for packet in packets} == {expected}
    assert bitrate(packets) == pytest.approx(mode.tuning.bitrate, rel=0.3)


@pytest.mark.parametrize("mode", OpusMode)
def test_every_mode_tells_the_same_speech(mode: OpusMode) -> None:
    original = chirp(1.0)
    encoder, decoder = OpusEncoder(RATE), OpusDecoder(RATE)
    encoder.adapt(mode, 0.0)
    decoded = b"".join(decoder.decode(encoder.encode(frame)) for frame in frames(original))
    assert similarity(original, samples(decoded)) > 0.9


def test_a_receiver_gets_no_more_bits_than_it_asks_for() -> None:
    encoder = OpusEncoder(RATE, OpusPreferences(max_bitrate=20000))
    for mode in OpusMode:
        encoder.adapt(mode, 0.0)
        packets = [encoder.encode(frame) for frame in frames(voice(2.0))]
        assert bitrate(packets) == pytest.approx(20000, rel=0.3)


def test_a_constant_bitrate_is_one() -> None:
    encoder = OpusEncoder(RATE, OpusPreferences(constant_bitrate=True))
    assert len({len(encoder.encode(frame)) for frame in frames(voice(1.0))}) == 1


def test_a_receiver_gets_no_more_bandwidth_than_it_plays() -> None:
    encoder = OpusEncoder(RATE, OpusPreferences(max_playback_rate=16000))
    packets = [encoder.encode(frame) for frame in frames(voice(1.0))]
    assert {layer(packet) for packet in packets} == {Layer.SILK}


def decode_with_losses(encoder: OpusEncoder, original: np.ndarray) -> np.ndarray:
    """Every fifth packet lost, and made up from the next one."""
    packets = [encoder.encode(frame) for frame in frames(original)]
    decoder = OpusDecoder(RATE)
    out: list[bytes] = []
    for index, packet in enumerate(packets):
        if index % 5 == 3:
            continue
        if index % 5 == 4:
            out.append(decoder.decode_fec(packet, FRAME))
        out.append(decoder.decode(packet))
    return samples(b"".join(out))


def test_fec_recovers_a_lost_frame_from_the_next_packet_better_than_concealment() -> None:
    original = chirp(1.0)
    protecting, plain = OpusEncoder(RATE), OpusEncoder(RATE)
    protecting.adapt(OpusMode.VOIP, 0.1)
    repaired, concealed = (decode_with_losses(encoder, original) for encoder in (protecting, plain))
    assert len(repaired) == len(concealed) == len(original)
    assert similarity(original, repaired) > similarity(original, concealed)
    assert similarity(original, repaired) > 0.85


def test_a_receiver_without_fec_gets_none() -> None:
    original = chirp(1.0)
    unasked, plain = OpusEncoder(RATE, OpusPreferences(in_band_fec=False)), OpusEncoder(RATE)
    unasked.adapt(OpusMode.VOIP, 0.1)
    assert [unasked.encode(f) for f in frames(original)] == [
        plain.encode(f) for f in frames(original)
    ]


def test_fec_ends_with_the_loss() -> None:
    original = chirp(1.0)
    encoder, plain = OpusEncoder(RATE), OpusEncoder(RATE)
    encoder.adapt(OpusMode.VOIP, 0.1)
    encoder.adapt(OpusMode.VOIP, 0.0)
    assert [encoder.encode(f) for f in frames(original)] == [
        plain.encode(f) for f in frames(original)
    ]


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
