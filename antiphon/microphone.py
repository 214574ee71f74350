"""A microphone that hears what it is given, at the pace of a real one."""

import asyncio
import fractions

import numpy as np
from aiortc import MediaStreamTrack
from av import AudioFrame

from antiphon.loudness import STEP, voiced_steps
from antiphon.wav import RATE, Samples

FRAME = RATE // 50
"""Samples in a frame of 20 ms."""


class Utterance:
    """Audio that was said into the microphone, or waits to be."""

    def __init__(self, samples: Samples) -> None:
        self.samples = samples
        self.started_at: float | None = None
        """The event loop's time at which the first sample was spoken."""
        self.finished = asyncio.Event()
        self._voiced = np.flatnonzero(voiced_steps(samples))

    @property
    def first_voiced_at(self) -> float | None:
        """When its first voiced sample was spoken."""
        if self.started_at is None or not self._voiced.size:
            return None
        return self.started_at + float(self._voiced[0]) * STEP / RATE

    def last_voiced_before(self, time: float) -> float | None:
        """When its last voiced sample before `time` was spoken."""
        if self.started_at is None:
            return None
        ends = self.started_at + (self._voiced + 1) * STEP / RATE
        past = ends[ends <= time]
        return float(past[-1]) if past.size else None


class Microphone(MediaStreamTrack):
    """Silence, but for the utterances that it was told to say, one after the other.

    Like a sound card, it gives a frame when the frame's last sample has been
    captured, 20 ms after its first.
    """

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self.said: list[Utterance] = []
        self._queue: list[Utterance] = []
        self._offset = 0
        self._frames = 0
        self._started_at: float | None = None

    def say(self, samples: Samples) -> Utterance:
        """Say `samples` (mono, at `RATE`) after what is being said."""
        utterance = Utterance(samples)
        self._queue.append(utterance)
        self.said.append(utterance)
        return utterance

    def last_voiced_before(self, time: float) -> float | None:
        """When the last voiced sample of anything said before `time` was spoken."""
        times = [utterance.last_voiced_before(time) for utterance in self.said]
        return max((at for at in times if at is not None), default=None)

    async def recv(self) -> AudioFrame:
        loop = asyncio.get_running_loop()
        if self._started_at is None:
            self._started_at = loop.time()
        begins_at = self._started_at + self._frames * FRAME / RATE
        await asyncio.sleep(begins_at + FRAME / RATE - loop.time())
        frame = AudioFrame.from_ndarray(self._next_samples(begins_at), layout="mono")
        frame.sample_rate = RATE
        frame.pts = self._frames * FRAME
        frame.time_base = fractions.Fraction(1, RATE)
        self._frames += 1
        return frame

    def _next_samples(self, begins_at: float) -> Samples:
        """The next frame, of shape (1, FRAME); an utterance begins on a frame's first sample."""
        samples = np.zeros((1, FRAME), dtype=np.int16)
        if not self._queue:
            return samples
        utterance = self._queue[0]
        if utterance.started_at is None:
            utterance.started_at = begins_at
        piece = utterance.samples[self._offset : self._offset + FRAME]
        samples[0, : len(piece)] = piece
        self._offset += FRAME
        if self._offset >= len(utterance.samples):
            self._queue.pop(0)
            self._offset = 0
            utterance.finished.set()
        return samples
