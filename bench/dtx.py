"""What discontinuous transmission costs in accuracy: `python -m bench.dtx`, about a minute.

Spoken turns with pauses, over noise, are encoded as Chromium encodes them, without DTX and
with it, and go through the product's receiver and the embedded engine's ears on a virtual
clock. Both lines of a pair hear the same samples.

- turns: heard of those spoken; `split` have an end too many, `merged` swallowed the next one,
  `false` were heard where nobody spoke;
- end: from the last voiced sample's leaving the microphone to the engine's TurnEnded, ms;
- errors: words that the embedded recogniser got wrong, of all;
- packets a second, in the pauses.
"""

import asyncio
import ctypes
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path as Directory
from random import Random

import numpy as np
from numpy.typing import NDArray

from antiphon.wav import RATE, Samples
from antiphon_proto.trunk import SessionConfig, SpeechStarted, TurnDetection, TurnEnded
from bench.figures import percentile, publish
from inference.engine_output import EngineOutput
from inference.engines.cascade.brain.rules import Rules
from inference.engines.cascade.counters import CascadeCounters
from inference.engines.cascade.engine import CascadeEngine
from inference.engines.cascade.listener import Listener
from inference.engines.cascade.recogniser import SAMPLE_RATE, RecogniserStream
from inference.engines.cascade.vad import SileroModel, VoiceBatch
from tests.e2e.speech import Speaker, silence
from transceiver.audio.format import AudioFormat, Codec
from transceiver.audio.libopus import library
from transceiver.audio.receiver import AudioFrame, AudioReceiver
from transceiver.rtp.packet import RtpPacket
from transceiver.rtp.red import MAX_OFFSET, RedBlock, encode_red

TURNS = (
    ("what is twelve plus thirty",),
    ("hello", "what time is it"),
    ("how do you spell elephant",),
    ("yes",),
    ("set a timer for five minutes",),
    ("good morning", "tell me the date"),
    ("how much is nine times seven",),
    ("no",),
    ("repeat after me the weather is nice",),
    ("thank you", "goodbye"),
    ("spell the word computer",),
    ("what is forty two divided by six",),
    ("okay", "what can you do"),
    ("cancel the timer",),
    ("how long is left on the timer",),
    ("stop",),
)
PAUSE_IN_TURN_S = 0.3
PAUSES_S = (0.7, 1.0, 1.5, 2.0)
"""Between turns, one after the other; a turn ends with half a second of silence."""

NOISES_DB = ((None, 0), ("hiss", 40), ("hiss", 30), ("hiss", 20), ("hiss", 10))
"""Kinds, and how far below the speech they lie."""

OPUS, RED = 111, 63
FRAME_S = 0.020
FRAME = int(RATE * FRAME_S)
TICK_PHASE_S = 0.007
"""Of the receiver's tick, after a packet's arrival."""

# https://opus-codec.org/docs/opus_api-1.5/group__opus__encoderctls.html, and Chromium's values.
_APPLICATION_VOIP = 2048
_SETTINGS = {4002: 32000, 4010: 9, 4012: 1, 4014: 0}
_SET_DTX = 4016


@dataclass(frozen=True, slots=True)
class Path:
    """A network: the part of packets that it loses, and its mean additional delay."""

    name: str
    loss: float = 0.0
    jitter_s: float = 0.0


PATHS = (Path("clean"), Path("rough", loss=0.05, jitter_s=0.015))


@dataclass(frozen=True, slots=True)
class Turn:
    text: str
    start_s: float
    end_s: float
    """Behind the last voiced sample."""

    def during(self, seconds: float) -> bool:
        return self.start_s < seconds < self.end_s


@dataclass(slots=True)
class Heard:
    """A turn as the engine found it, on the media clock but for `found_s`."""

    start_s: float
    end_s: float = 0.0
    found_s: float = 0.0
    text: str = ""

    def overlaps(self, turn: Turn) -> bool:
        return self.start_s < turn.end_s and turn.start_s < self.end_s


@dataclass(frozen=True, slots=True)
class Microphone:
    """What a sender makes of the samples: a payload or None for each 20 ms."""

    dtx: bool

    def payloads(self, samples: Samples) -> Iterator[bytes | None]:
        """As Chromium sends: of the frames that DTX leaves out, the first alone goes out."""
        opus = library()
        state = ctypes.create_string_buffer(opus.opus_encoder_get_size(1))
        opus.opus_encoder_init(state, RATE, 1, _APPLICATION_VOIP)
        for request, value in (_SETTINGS | {_SET_DTX: self.dtx}).items():
            opus.opus_encoder_ctl(state, request, int(value))
        packet = ctypes.create_string_buffer(1275)
        paused = False
        for start in range(0, len(samples) - FRAME + 1, FRAME):
            pcm = samples[start : start + FRAME].astype("<i2").tobytes()
            length = opus.opus_encode(state, pcm, FRAME, packet, len(packet))
            left_out = length <= 2
            yield None if left_out and paused else packet.raw[:length]
            paused = left_out


class Ears:
    """The engine's half that hears, on a virtual clock."""

    def __init__(self, model: SileroModel, recogniser: RecogniserStream) -> None:
        self.now = 0.0
        self.heard: list[Heard] = []
        self._waiting: list[Callable[[], None]] = []
        self._ended = False
        batch = VoiceBatch(model, CascadeCounters(), self._waiting.append)
        config = SessionConfig(turn_detection=TurnDetection())
        self._listener = Listener(config, batch, recogniser, self._take, lambda: self.now)

    async def push(self, frames: list[AudioFrame]) -> None:
        for frame in frames:
            self._listener.push_audio(frame.position, frame.pcm)
        while self._waiting:
            self._waiting.pop()()
        if self._ended:
            self._ended = False
            self.heard[-1].text = await self._listener.commit().transcript(lambda: self.now)

    def _take(self, output: EngineOutput) -> None:
        if isinstance(output, SpeechStarted):
            self.heard.append(Heard(output.audio_start_ms / 1000))
        elif isinstance(output, TurnEnded):
            self.heard[-1].end_s = output.voiced_end_ms / 1000
            self.heard[-1].found_s = self.now
            self._ended = True


@dataclass(slots=True)
class Result:
    """One line of the table."""

    spoken: list[Turn]
    heard: list[Heard]
    packets_per_second: float

    @property
    def split(self) -> int:
        return sum(max(0, len(self._of(turn)) - 1) for turn in self.spoken)

    @property
    def merged(self) -> int:
        counts = [sum(heard.overlaps(turn) for turn in self.spoken) for heard in self.heard]
        return sum(max(0, count - 1) for count in counts)

    @property
    def false(self) -> int:
        return sum(not any(map(heard.overlaps, self.spoken)) for heard in self.heard)

    @property
    def found(self) -> int:
        return sum(bool(self._of(turn)) for turn in self.spoken)

    @property
    def ends_ms(self) -> list[float]:
        """Of turns that were found whole."""
        pairs = [(turn, self._of(turn)) for turn in self.spoken]
        return [1000 * (of[0].found_s - turn.end_s) for turn, of in pairs if len(of) == 1]

    @property
    def wrong_words(self) -> int:
        spoken = [word for turn in self.spoken for word in turn.text.split()]
        return word_errors(spoken, [word for heard in self.heard for word in heard.text.split()])

    @property
    def words(self) -> int:
        return sum(len(turn.text.split()) for turn in self.spoken)

    def _of(self, turn: Turn) -> list[Heard]:
        return [heard for heard in self.heard if heard.overlaps(turn)]


def word_errors(spoken: Sequence[str], heard: Sequence[str]) -> int:
    """Levenshtein's distance."""
    row = list(range(len(heard) + 1))
    for place, word in enumerate(spoken, start=1):
        diagonal, row[0] = row[0], place
        for column, other in enumerate(heard, start=1):
            best = min(diagonal + (word != other), row[column] + 1, row[column - 1] + 1)
            diagonal, row[column] = row[column], best
    return row[-1]


def conversation(speaker: Speaker) -> tuple[Samples, list[Turn]]:
    """All turns one after the other, without noise."""
    pieces, turns, at = [silence(1.0)], [], RATE
    for place, sentences in enumerate(TURNS):
        spoken: list[Samples] = []
        for sentence in sentences:
            spoken += [speaker.say(sentence), silence(PAUSE_IN_TURN_S)]
        pause = silence(PAUSES_S[place % len(PAUSES_S)])
        pieces += [*spoken[:-1], pause]
        end = at + sum(map(len, spoken[:-1]))
        turns.append(Turn(" ".join(sentences), at / RATE, end / RATE))
        at = end + len(pause)
    return np.concatenate(pieces), turns


def noisy(samples: Samples, speaker: Speaker, kind: str | None, below_db: float) -> Samples:
    """The samples over noise that lies `below_db` below their voiced parts."""
    if kind is None:
        return samples
    noise = hiss(len(samples))
    voiced = samples[np.abs(samples) > 200].astype(float)
    gain = 10 ** (-below_db / 20) * np.sqrt(np.mean(voiced**2) / np.mean(noise**2))
    mixed: Samples = np.clip(samples + gain * noise, -32768, 32767).astype(np.int16)
    return mixed


def hiss(count: int) -> NDArray[np.float64]:
    """Noise with the spectrum of rooms and fans: 3 dB less an octave."""
    spectrum = np.fft.rfft(np.random.default_rng(7).normal(size=count))
    return np.fft.irfft(spectrum / np.sqrt(np.arange(len(spectrum)) + 1), count)


def packets(samples: Samples, microphone: Microphone) -> Iterator[tuple[float, RtpPacket]]:
    """Packets with when they leave, each with the frame before it as a browser sends them."""
    sequence, earlier = 0, (0, b"")
    for place, payload in enumerate(microphone.payloads(samples)):
        if payload is None:
            continue
        offset = (place - earlier[0]) * FRAME
        redundant = [RedBlock(OPUS, offset, earlier[1])] if 0 < offset <= MAX_OFFSET else []
        red = encode_red([*redundant, RedBlock(OPUS, 0, payload)])
        yield (place + 1) * FRAME_S, RtpPacket(RED, sequence & 0xFFFF, place * FRAME, 1, red)
        sequence, earlier = sequence + 1, (place, payload)


def arrivals(sent: Iterable[tuple[float, RtpPacket]], path: Path) -> list[tuple[float, RtpPacket]]:
    random = Random(3)
    return sorted(
        (leaves + random.expovariate(1 / path.jitter_s) if path.jitter_s else leaves, packet)
        for leaves, packet in sent
        if random.random() >= path.loss
    )


async def listen(
    sent: list[tuple[float, RtpPacket]], spoken: list[Turn], path: Path, ears: Ears
) -> Result:
    receiver = AudioReceiver(AudioFormat(Codec.OPUS, OPUS, RED), SAMPLE_RATE)
    tick_at = TICK_PHASE_S
    for arrived, packet in arrivals(sent, path):
        while tick_at < arrived:
            ears.now = tick_at
            await ears.push(receiver.tick(tick_at))
            tick_at += FRAME_S
        ears.now = arrived
        await ears.push(receiver.receive(packet, arrived))
    pauses = [leaves for leaves, _ in sent if not any(each.during(leaves) for each in spoken)]
    paused_s = sent[-1][0] - sum(turn.end_s - turn.start_s for turn in spoken)
    return Result(spoken, ears.heard, len(pauses) / paused_s)


async def measure(cascade: CascadeEngine, speaker: Speaker) -> dict[str, float | str]:
    assert cascade.recogniser is not None
    model = SileroModel()
    clean, spoken = conversation(speaker)
    figures: dict[str, float | str] = {}
    print("noise     path   dtx  turns  split merged false  end p50  p95   errors   packets")
    for kind, below_db in NOISES_DB:
        samples = noisy(clean, speaker, kind, below_db)
        noise = f"{kind}{below_db}" if kind else "none"
        for dtx in (False, True):
            sent = list(packets(samples, Microphone(dtx)))
            for path in PATHS:
                stream = cascade.recogniser.open_stream()
                result = await listen(sent, spoken, path, Ears(model, stream))
                stream.close()
                print(f"{noise:9} {path.name:6} {'yes' if dtx else 'no':3}{line(result)}")
                name = f"{noise}.{path.name}.{'dtx' if dtx else 'continuous'}"
                figures |= figures_of(name, result)
    return figures


def line(result: Result) -> str:
    ends = result.ends_ms
    return (
        f"{result.found:4}/{len(result.spoken):2}"
        f"{result.split:6}{result.merged:7}{result.false:6}"
        f"{statistics.median(ends):9.0f}{percentile(ends, 95):5.0f}"
        f"{result.wrong_words:5}/{result.words}{result.packets_per_second:9.1f}"
    )


def figures_of(name: str, result: Result) -> dict[str, float | str]:
    return {
        f"{name}.turns": result.found,
        f"{name}.split": result.split,
        f"{name}.merged": result.merged,
        f"{name}.false": result.false,
        f"{name}.end_p50_ms": round(statistics.median(result.ends_ms)),
        f"{name}.end_p95_ms": round(percentile(result.ends_ms, 95)),
        f"{name}.wrong_words": result.wrong_words,
        f"{name}.packets_per_second": round(result.packets_per_second, 1),
    }


async def main() -> None:
    cascade = CascadeEngine(Rules(datetime.now, time.monotonic), CascadeCounters())
    await cascade.start()
    try:
        with tempfile.TemporaryDirectory() as directory:
            publish("dtx", await measure(cascade, Speaker(Directory(directory))))
    finally:
        await cascade.close()


if __name__ == "__main__":
    asyncio.run(main())
