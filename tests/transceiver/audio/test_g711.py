"""Against the formulas of ITU-T G.711 written out a code at a time, and against FFmpeg."""

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transceiver.audio.codec import AudioCodecError
from transceiver.audio.format import Codec
from transceiver.audio.g711 import MAX_PACKET_BYTES, G711Decoder, G711Encoder

CODECS = (Codec.PCMU, Codec.PCMA)
EVERY_CODE = bytes(range(256))
EVERY_SAMPLE = np.arange(-(1 << 15), 1 << 15, dtype="<i2")
FFMPEG = {Codec.PCMU: "pcm_mulaw", Codec.PCMA: "pcm_alaw"}


def decode(codec: Codec, codes: bytes) -> np.ndarray:
    """A decoder of its own for each, so that no past reaches in."""
    return np.frombuffer(G711Decoder(codec).decode(codes), "<i2").astype(int)


def ulaw_value(code: int) -> int:
    """Table 2/G.711, in 14 bits: 33 steps at the ends of segments that double."""
    bits = code ^ 0xFF
    magnitude = ((bits & 0x0F) * 2 + 33) * 2 ** (bits >> 4 & 7) - 33
    return -magnitude if bits & 0x80 else magnitude


def alaw_value(code: int) -> int:
    """Table 1/G.711, in 13 bits: the first two segments are linear, then steps double."""
    bits = code ^ 0x55
    segment, interval = bits >> 4 & 7, bits & 0x0F
    step = 2 ** max(segment - 1, 0)
    magnitude = ((interval * 2 + 1) + (32 if segment else 0)) * step
    return magnitude if bits & 0x80 else -magnitude


@pytest.mark.parametrize(
    ("codec", "value", "scale"), [(Codec.PCMU, ulaw_value, 4), (Codec.PCMA, alaw_value, 8)]
)
def test_every_code_means_what_the_recommendation_says(codec, value, scale) -> None:
    expected = [value(code) * scale for code in EVERY_CODE]
    assert decode(codec, EVERY_CODE).tolist() == expected


@pytest.mark.parametrize("codec", CODECS)
def test_every_code_means_what_it_means_to_ffmpeg(codec: Codec) -> None:
    context = av.CodecContext.create(FFMPEG[codec], "r")
    context.sample_rate, context.layout = 8000, "mono"
    (frame,) = context.decode(av.Packet(EVERY_CODE))
    assert decode(codec, EVERY_CODE).tolist() == frame.to_ndarray()[0].tolist()


@pytest.mark.parametrize("codec", CODECS)
def test_each_code_stands_for_the_samples_around_its_level(codec: Codec) -> None:
    """The recommendation's output values are in the middle between its decision values."""
    codes = np.frombuffer(G711Encoder(codec).encode(EVERY_SAMPLE.tobytes()), np.uint8)
    levels = decode(codec, EVERY_CODE)
    for code in range(256):
        samples = EVERY_SAMPLE[codes == code].astype(int)
        assert (np.diff(samples) == 1).all()
        # Beyond the last decision value everything is clipped.
        if samples.min() > -32768 and samples.max() < 32767:
            # The lowest bits are not looked at.
            assert abs(samples.mean() - levels[code]) <= 4


def decode_all(codec: Codec, codes: bytes) -> np.ndarray:
    return decode(codec, EVERY_CODE)[np.frombuffer(codes, np.uint8)]


@pytest.mark.parametrize("codec", CODECS)
def test_a_code_comes_back_from_its_own_level(codec: Codec) -> None:
    levels = decode(codec, EVERY_CODE)
    again = G711Encoder(codec).encode(levels.astype("<i2").tobytes())
    # Mu-law has two zeros.
    assert (levels == decode_all(codec, again)).all()


@pytest.mark.parametrize("codec", CODECS)
def test_lengths_that_are_no_packet_are_refused(codec: Codec) -> None:
    decoder = G711Decoder(codec)
    for payload in (b"", bytes(MAX_PACKET_BYTES + 1)):
        with pytest.raises(AudioCodecError):
            decoder.duration(payload)
        with pytest.raises(AudioCodecError):
            decoder.decode(payload)
    with pytest.raises(AudioCodecError):
        G711Encoder(codec).encode(b"odd")


@given(
    st.sampled_from(CODECS),
    st.lists(st.binary(min_size=1, max_size=400) | st.integers(1, 960), max_size=12),
)
def test_any_packets_and_gaps_make_as_many_samples_as_said(codec, steps) -> None:
    decoder = G711Decoder(codec)
    for step in steps:
        if isinstance(step, bytes):
            assert len(decoder.decode(step)) == 2 * decoder.duration(step)
        else:
            assert len(decoder.conceal(step)) == 2 * step
            assert len(decoder.repair(b"", step)) == 2 * step


def test_a_packet_that_follows_another_is_decoded_exactly() -> None:
    decoder = G711Decoder(Codec.PCMU)
    decoder.decode(EVERY_CODE)
    assert np.frombuffer(decoder.decode(EVERY_CODE), "<i2").tolist() == (
        decode(Codec.PCMU, EVERY_CODE).tolist()
    )


def test_another_stream_starts_without_the_guess_for_the_last_one() -> None:
    decoder = G711Decoder(Codec.PCMA)
    decoder.decode(EVERY_CODE)
    decoder.conceal(160)
    decoder.reset()
    assert np.frombuffer(decoder.decode(EVERY_CODE), "<i2").tolist() == (
        decode(Codec.PCMA, EVERY_CODE).tolist()
    )
