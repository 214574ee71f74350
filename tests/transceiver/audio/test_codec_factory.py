"""Every codec at every rate that an engine may ask for: a tone there and back."""

import av
import numpy as np
import pytest

from transceiver.audio.codec_factory import codec_rate, make_decoder, make_encoder
from transceiver.audio.format import AudioFormat, Codec
from transceiver.audio.opus import OpusDecoder
from transceiver.audio.playout import Playout

ENGINE_RATES = (8000, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
FREQUENCY = 440


def frames(rate: int, frame_ms: int, seconds: float = 0.6) -> list[bytes]:
    time = np.arange(int(rate * seconds)) / rate
    wave = (8000 * np.sin(2 * np.pi * FREQUENCY * time)).astype("<i2")
    size = rate * frame_ms // 1000
    return [wave[at : at + size].tobytes() for at in range(0, len(wave) - size + 1, size)]


def loudest_frequency(pcm: bytes, rate: int) -> float:
    wave = np.frombuffer(pcm, "<i2")[-rate // 2 :]
    return float(np.argmax(np.abs(np.fft.rfft(wave))) * rate / len(wave))


@pytest.mark.parametrize(
    ("rate", "frame_ms"),
    [(rate, ms) for rate in ENGINE_RATES for ms in (10, 20, 40, 60) if rate * ms % 1000 == 0],
)
@pytest.mark.parametrize("codec", Codec)
def test_a_tone_there_and_back(rate: int, frame_ms: int, codec: Codec) -> None:
    audio_format = AudioFormat(codec, 0, frame_ms=frame_ms)
    encoder, decoder = make_encoder(audio_format, rate), make_decoder(audio_format, rate)
    sent = frames(rate, frame_ms)
    heard = b""
    for frame in sent:
        payload = encoder.encode(frame)
        assert decoder.duration(payload) == len(frame) // 2
        heard += decoder.decode(payload)
    assert len(heard) == sum(map(len, sent))
    assert loudest_frequency(heard, rate) == pytest.approx(FREQUENCY, abs=3)
    assert encoder.clock_rate == decoder.clock_rate == (48000 if codec is Codec.OPUS else 8000)


@pytest.mark.parametrize("rate", ENGINE_RATES)
@pytest.mark.parametrize("codec", Codec)
def test_repairs_are_of_the_length_that_was_asked_for(rate: int, codec: Codec) -> None:
    audio_format = AudioFormat(codec, 0)
    encoder, decoder = make_encoder(audio_format, rate), make_decoder(audio_format, rate)
    for frame in frames(rate, 20)[:10]:
        decoder.decode(payload := encoder.encode(frame))
    step = decoder.concealment_step
    assert step <= rate // 50
    for samples in (step, 2 * step, rate // 50 // step * step):
        assert len(decoder.conceal(samples)) == len(decoder.repair(payload, samples)) == 2 * samples


@pytest.mark.parametrize("rate", [8000, 12000, 16000, 24000, 48000])
def test_libopus_makes_its_own_rates_itself(rate: int) -> None:
    assert isinstance(make_decoder(AudioFormat(Codec.OPUS, 111), rate), OpusDecoder)


@pytest.mark.parametrize(
    ("codec", "rate", "inner"),
    [
        (Codec.OPUS, 22050, 24000),
        (Codec.OPUS, 32000, 48000),
        (Codec.OPUS, 44100, 48000),
        (Codec.OPUS, 96000, 48000),
        (Codec.PCMU, 24000, 8000),
    ],
)
def test_other_rates_are_made_from_the_next_higher_one(codec: Codec, rate: int, inner: int) -> None:
    assert codec_rate(codec, rate) == inner


def test_stereo_becomes_mono() -> None:
    """An offer may ask for stereo; what comes so is heard with both ears in one."""
    context = av.CodecContext.create("libopus", "w")
    context.sample_rate, context.layout, context.format = 48000, "stereo", "s16"
    decoder = make_decoder(AudioFormat(Codec.OPUS, 111), 24000)
    heard = b""
    for index in range(25):
        time = (np.arange(960) + 960 * index) / 48000
        left = (8000 * np.sin(2 * np.pi * FREQUENCY * time)).astype("<i2")
        both = np.stack((left, np.zeros_like(left)), axis=1).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(both, format="s16", layout="stereo")
        frame.sample_rate = 48000
        heard += b"".join(decoder.decode(bytes(packet)) for packet in context.encode(frame))
    assert loudest_frequency(heard, 24000) == pytest.approx(FREQUENCY, abs=3)
    assert 3000 < np.abs(np.frombuffer(heard, "<i2")[-6000:]).max() < 5000


@pytest.mark.parametrize("rate", [22050, 11025])
@pytest.mark.parametrize("codec", [Codec.OPUS, Codec.PCMU])
def test_frames_that_would_end_within_a_sample_are_coded_whole(rate: int, codec: Codec) -> None:
    """An encoder is made for each talkspurt: it may start with a long frame or a short one."""
    frame_ms = 10
    audio_format = AudioFormat(codec, 0, frame_ms=frame_ms)
    playout = Playout(rate, frame_ms)
    wave = 8000 * np.sin(2 * np.pi * FREQUENCY * np.arange(2 * rate) / rate)
    playout.push(1, wave.astype("<i2").tobytes())
    for talkspurt in range(3):
        encoder, decoder = make_encoder(audio_format, rate), make_decoder(audio_format, 8000)
        heard = b""
        for _ in range(500 // frame_ms - talkspurt % 2):
            frame = playout.next_frame()
            assert frame is not None
            payload = encoder.encode(frame)
            assert decoder.duration(payload) == 8 * frame_ms
            heard += decoder.decode(payload)
        assert loudest_frequency(heard, 8000) == pytest.approx(FREQUENCY, abs=3)
    assert playout.played_ms(1) == pytest.approx(1500 - frame_ms, abs=1)
