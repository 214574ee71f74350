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
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import numpy as np

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
from transceiver.audio.opus import library
from transceiver.audio.receiver import AudioReceiver
from transceiver.rtp.packet import RtpPacket

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

NOISES_DB = ((None, 0), ("hiss", 40), ("hiss", 30), ("hiss", 20), ("hiss", 10), ("babble", 20))
"""Kinds, and how far below the speech they lie."""

OPUS = 111
FRAME_S = 0.020
FRAME = int(RATE * FRAME_S)
TICK_PHASE_S = 0.007
"""Of the receiver's tick, after a packet's arrival."""

# https://opus-codec.org/docs/opus_api-1.5/group__opus__encoderctls.html, and Chromium's values.
_APPLICATION_VOIP = 2048
_SETTINGS = {4002: 32000, 4010: 9, 4012: 1, 4014: 0}
_SET_DTX = 4016


@dataclass(frozen=True, slots=True)
class Turn:
    text: str
    start_s: float
    end_s: float
    """Behind the last voiced sample."""


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
        self._runs: list[object] = []
        self._pending: list[Heard] = []
        self._batch = VoiceBatch(model, CascadeCounters(), self._schedule)
        self._listener = Listener(
            SessionConfig(turn_detection=TurnDetection()),
            self._batch,
            recogniser,
            self._take,
            lambda: self.now,
        )

    async def push(self, position: int, pcm: bytes) -> None:
        self._listener.push_audio(position, pcm)
        while self._batch_waits:
            self._batch_waits = False
            self._batch.run()
        await self._transcribe()
