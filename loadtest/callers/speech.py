"""What callers say: recorded questions, encoded before the run.

`loadtest/speech/questions.toml` has the questions, `questions.opus-frames` beside it how they
sound: first a packet of silence as an utterance of its own, then each question in their order.
An utterance is a count of packets, and each packet is a length and so many bytes; both numbers
have 16 bits, big-endian.
"""

import struct
from dataclasses import dataclass
from functools import cache
from importlib import resources

import av
import msgspec
import numpy as np

FRAME_S = 0.02
FRAMES_PER_SECOND = 50
OPUS_RATE = 48_000

_NUMBER = struct.Struct(">H")


class SpeechError(ValueError):
    """A file of recordings that is none."""


class Question(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """As `questions.toml` has it."""

    text: str
    answer: str
    """A regular expression; see `Utterance`."""


class _Questions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    question: tuple[Question, ...]


@dataclass(frozen=True, slots=True)
class Utterance:
    """A question."""

    text: str
    answer: str
    """A regular expression that is found in the transcript of a fitting answer, whatever the
    case."""
    packets: tuple[bytes, ...]
    """Opus, 20 ms each, mono."""


@dataclass(frozen=True, slots=True)
class Speech:
    """All that there is to be said."""

    utterances: tuple[Utterance, ...]
    silence: bytes
    """An Opus packet of 20 ms without a sound."""

    @property
    def lengths(self) -> tuple[int, ...]:
        """Of the utterances, in frames."""
        return tuple(len(each.packets) for each in self.utterances)

    @property
    def answers(self) -> tuple[str, ...]:
        """To the utterances: see `Utterance.answer`."""
        return tuple(each.answer for each in self.utterances)

    def pcm(self, utterance: int, rate: int) -> tuple[bytes, ...]:
        """An utterance as s16 mono in frames of 20 ms, decoded once for each rate."""
        return _pcm(self.utterances[utterance].packets, rate)


@cache
def recorded_speech() -> Speech:
    """What the package ships. Raises SpeechError where that is damaged."""
    recordings = resources.files("loadtest.speech").joinpath("questions.opus-frames").read_bytes()
    (silence, *_), *utterances = unpack(recordings)
    asked = questions()
    if len(asked) != len(utterances):
        raise SpeechError(f"{len(utterances)} recordings of {len(asked)} questions")
    return Speech(
        tuple(
            Utterance(each.text, each.answer, packets)
            for each, packets in zip(asked, utterances, strict=True)
        ),
        silence,
    )


def questions() -> tuple[Question, ...]:
    """All of them. Raises SpeechError."""
    text = resources.files("loadtest.speech").joinpath("questions.toml").read_bytes()
    try:
        return msgspec.toml.decode(text, type=_Questions).question
    except msgspec.DecodeError as error:
        raise SpeechError(f"questions.toml: {error}") from error


def pack(utterances: list[tuple[bytes, ...]]) -> bytes:
    """The bytes of a file of recordings."""
    packed = bytearray()
    for packets in utterances:
        packed += _NUMBER.pack(len(packets))
        for packet in packets:
            packed += _NUMBER.pack(len(packet)) + packet
    return bytes(packed)


def unpack(recordings: bytes) -> list[tuple[bytes, ...]]:
    """Read a file of recordings. Raises SpeechError."""
    utterances, at = [], 0
    try:
        while at < len(recordings):
            (count,) = _NUMBER.unpack_from(recordings, at)
            at += _NUMBER.size
            packets = []
            for _ in range(count):
                (length,) = _NUMBER.unpack_from(recordings, at)
                at += _NUMBER.size
                packets.append(recordings[at : at + length])
                at += length
            utterances.append(tuple(packets))
    except struct.error as error:
        raise SpeechError("recordings are cut short") from error
    if at != len(recordings):
        raise SpeechError("recordings are cut short")
    return utterances


@cache
def _pcm(packets: tuple[bytes, ...], rate: int) -> tuple[bytes, ...]:
    decoder = av.CodecContext.create("libopus", "r")
    assert isinstance(decoder, av.AudioCodecContext)
    decoder.sample_rate, decoder.layout = OPUS_RATE, "mono"
    resampler = av.AudioResampler(format="s16", layout="mono", rate=rate)
    frames = [frame for each in packets for frame in decoder.decode(av.Packet(each))]
    resampled = [out for frame in [*frames, None] for out in resampler.resample(frame)]
    samples = np.concatenate([frame.to_ndarray().reshape(-1) for frame in resampled])
    length = rate // FRAMES_PER_SECOND
    whole = np.zeros(len(packets) * length, np.int16)
    kept = min(len(samples), len(whole))
    whole[:kept] = samples[:kept]
    return tuple(whole[at : at + length].tobytes() for at in range(0, len(whole), length))
