"""The tones of keys are taken out of a telephone's sound, and nothing else is."""

import itertools

import numpy as np
import pytest

from tests.inference.user_voice import user_voice
from transceiver.audio.format import Codec
from transceiver.audio.g711 import G711Decoder, G711Encoder
from transceiver.audio.key_tones import HIGH_HZ, LOW_HZ, KeyTones

RATE = 8000
FRAME = 160


def key(
    low: float, high: float, seconds: float, *, amplitude: float = 4000, twist: float = 1.0
) -> np.ndarray:
    time = np.arange(int(RATE * seconds)) / RATE
    sines = np.sin(2 * np.pi * low * time) + twist * np.sin(2 * np.pi * high * time + 1)
    return (amplitude / 2 * sines).astype(np.int16)


def without(sound: np.ndarray, packet: int = FRAME) -> np.ndarray:
    tones = KeyTones(RATE)
    pieces = [tones.remove(sound[at : at + packet]) for at in range(0, len(sound), packet)]
    return np.concatenate(pieces)


@pytest.mark.parametrize(("low", "high"), list(itertools.product(LOW_HZ, HIGH_HZ)))
@pytest.mark.parametrize("codec", [Codec.PCMU, Codec.PCMA])
def test_every_key_is_taken_out(codec: Codec, low: int, high: int) -> None:
    sound = key(low, high, 0.1)
    decoder, coded = G711Decoder(codec), G711Encoder(codec).encode(sound.astype("<i2").tobytes())
    pcm = b"".join(decoder.decode(coded[at : at + FRAME]) for at in range(0, len(coded), FRAME))
    assert not np.frombuffer(pcm, "<i2").any()


@pytest.mark.parametrize("packet", [80, 160, 240, 480, 1000])
@pytest.mark.parametrize("amplitude", [400, 4000, 16000])
@pytest.mark.parametrize("twist", [0.5, 1.0, 2.0])
def test_loud_and_quiet_keys_in_packets_of_any_length(packet, amplitude, twist) -> None:
    """And off by the 1.5 % that Q.24 has exchanges accept."""
    sound = key(770 * 1.015, 1336 * 0.985, 0.2, amplitude=amplitude, twist=twist)
    assert not without(sound, packet).any()


def test_of_a_key_that_begins_and_ends_within_packets_little_is_left() -> None:
    pressed = key(852, 1477, 0.1)
    sound = np.concatenate((np.zeros(1050, np.int16), pressed, np.zeros(1050, np.int16)))
    left = without(sound).astype(float)
    assert np.sum(left**2) < 0.15 * np.sum(pressed.astype(float) ** 2)
    assert not left[1200:1840].any()


@pytest.mark.parametrize(
    "sines", [(440,), (770,), (440, 480), (350, 440), (770, 852), (1209, 1477)]
)
def test_what_is_no_key_stays(sines: tuple[int, ...]) -> None:
    time = np.arange(RATE) / RATE
    sound = sum(4000 * np.sin(2 * np.pi * each * time) for each in sines)
    assert (without(np.asarray(sound).astype(np.int16)) == np.asarray(sound).astype(np.int16)).all()


def test_speech_is_left_alone() -> None:
    user = user_voice()
    for voice, text in itertools.product(
        ("en-us", "en-gb", "en-us+f3"),
        ("what is fifty six plus seventeen", "how do you spell rabbit", "please repeat that"),
    ):
        sound = np.frombuffer(user.say(text, voice), "<i2")[::2]
        assert (without(sound) == sound).all()
