"""Owns the playout clock of what the agent says, and so knows what was heard.

Engines generate faster than real time: their audio queues here and leaves in
frames, one for each call of `next_frame`.
"""

from collections import OrderedDict, deque
from dataclasses import dataclass, field

from antiphon_proto.audio_block import BYTES_PER_SAMPLE
from antiphon_proto.trunk import UNSOLICITED
from transceiver.audio.live_lag import LiveLag

MAX_BUFFERED_S = 60.0
MAX_HOLD_S = 10.0
MAX_AGAIN_MS = 600
"""How much of what was played can be played again after a hold."""

MAX_REMEMBERED = 64
"""Ended responses whose played time can still be asked for."""


@dataclass(frozen=True, slots=True)
class PlayoutStarted:
    """The first frame of a response was handed out."""

    response: int


@dataclass(frozen=True, slots=True)
class PlayoutStopped:
    """All of a finished response was handed out."""

    response: int


@dataclass(frozen=True, slots=True)
class PlayoutCleared:
    """A response was cut when `played_ms` of it had been handed out."""

    response: int
    played_ms: int


@dataclass(frozen=True, slots=True)
class HoldExpired:
    """The playout has been held for MAX_HOLD_S, and nobody said how to go on."""

    response: int
    """The one that is held, or the latest there was."""


PlayoutEvent = PlayoutStarted | PlayoutStopped | PlayoutCleared | HoldExpired


@dataclass(slots=True)
class _Response:
    number: int
    pcm: bytearray = field(default_factory=bytearray)
    heard: bytearray = field(default_factory=bytearray)
    """The newest of what was handed out."""
    started: bool = False
    finished: bool = False


class Playout:
    """A queue of responses that play one after the other, mono at `rate`.

    A response has its place from its first `push`, which may be empty. Audio for one that was
    played or cut is ignored, for the engine may not know yet. When a response's audio stalls
    before `finish`, nothing is sent until more comes. At most `MAX_BUFFERED_S` are held:
    what exceeds it is dropped from the end and counted in `dropped_ms`, for an
    engine within its credit never gets there.
    """

    def __init__(self, rate: int, frame_ms: int = 20) -> None:
        self._rate = rate
        self.use_frames_of(frame_ms)
        self._again_bytes = rate * MAX_AGAIN_MS // 1000 * BYTES_PER_SAMPLE
        self._held_frames: int | None = None
        """How long a hold has lasted; None while there is none."""
        self._max_bytes = int(rate * MAX_BUFFERED_S) * BYTES_PER_SAMPLE
        self._queue: deque[_Response] = deque()
        self._buffered_bytes = 0
        self._dropped_bytes = 0
        self._live_lag = LiveLag()
        self._over: OrderedDict[int, None] = OrderedDict()
        self._played_bytes: OrderedDict[int, int] = OrderedDict()
        self._events: list[PlayoutEvent] = []

    def use_frames_of(self, frame_ms: int) -> None:
        """Hand out frames of this length from here on.

        Where they would end within a sample, some are longer than others by that one.
        """
        self._frame_parts = self._rate * frame_ms
        self._surplus_parts = 0
        """What was handed out beyond the frames' length, in thousandths of a sample."""
        self._measure_next_frame()
        self._max_hold_frames = int(MAX_HOLD_S * 1000) // frame_ms

    @property
    def buffered_ms(self) -> int:
        """How long what is queued will play."""
        return self._milliseconds(self._buffered_bytes)

    @property
    def playing(self) -> int | None:
        """The response whose audio is next."""
        return self._queue[0].number if self._queue else None

    @property
    def dropped_ms(self) -> int:
        """How much was not played since the start: it did not fit, or was live and late."""
        return self._milliseconds(self._dropped_bytes)

    def push(self, response: int, pcm: bytes) -> None:
        """Queue more of a response. Raises ValueError when `pcm` ends within a sample."""
        if len(pcm) % BYTES_PER_SAMPLE:
            raise ValueError(f"{len(pcm)} bytes of PCM end within a sample")
        queued = self._queued(response)
        if queued is None or queued.finished:
            return
        room = self._max_bytes - self._buffered_bytes
        self._dropped_bytes += max(0, len(pcm) - room)
        queued.pcm += pcm[:room]
        self._buffered_bytes += min(len(pcm), room)

    def finish(self, response: int) -> None:
        """No more audio of this response will come; one without any leaves no event."""
        queued = self._queued(response)
        if queued is None:
            return
        queued.finished = True
        if self._held_frames is None:
            self._retire_drained()

    def cut(self) -> None:
        """Drop everything queued, and what of it still comes; a hold is over, too."""
        self._held_frames = None
        self._retire_drained()
        for queued in self._queue:
            cleared = PlayoutCleared(queued.number, self.played_ms(queued.number))
            self._events.append(cleared)
            self.discard(queued.number)
        self._queue.clear()
        self._buffered_bytes = 0

    def hold(self) -> None:
        """Hand out nothing until `resume`, `cut`, or some frames after HoldExpired."""
        if self._held_frames is None:
            self._held_frames = 0

    def resume(self, again_ms: int) -> None:
        """End a hold; the last `again_ms` of what was played are played again, or what is kept
        of them, and count as played when they were."""
        if self._held_frames is None:
            return
        self._held_frames = None
        if not self._queue:
            return
        playing = self._queue[0]
        wanted = min(self._bytes(again_ms), len(playing.heard))
        if wanted:
            playing.pcm[:0] = playing.heard[-wanted:]
            del playing.heard[-wanted:]
            self._buffered_bytes += wanted
            self._played_bytes[playing.number] -= wanted

    def discard(self, response: int) -> None:
        """Ignore what is pushed from here on for this response."""
        self._over[response] = None
        if len(self._over) > MAX_REMEMBERED:
            self._over.popitem(last=False)

    def next_frame(self) -> bytes | None:
        """The next frame, or None for silence: then there is nothing to encode.

        The last frame of a response is padded with silence.
        """
        if self._held_frames is not None:
            self._count_held_frame()
            return None
        self._retire_drained()
        if not self._queue:
            return None
        playing = self._queue[0]
        if playing.number == UNSOLICITED:
            self._drop(playing, self._live_lag.surplus(len(playing.pcm) // self._frame_bytes))
        if len(playing.pcm) < self._frame_bytes and not playing.finished:
            return None
        if not playing.started:
            playing.started = True
            self._events.append(PlayoutStarted(playing.number))
        frame = bytes(playing.pcm[: self._frame_bytes])
        del playing.pcm[: self._frame_bytes]
        self._buffered_bytes -= len(frame)
        self._played_bytes[playing.number] += len(frame)
        playing.heard += frame
        del playing.heard[: -self._again_bytes]
        frame = frame.ljust(self._frame_bytes, b"\0")
        self._measure_next_frame()
        return frame

    def pass_by(self) -> None:
        """A frame's time went by unserved: live audio goes with it, a response waits."""
        if self._queue and self._queue[0].number == UNSOLICITED:
            self._drop(self._queue[0], 1)

    def played_ms(self, response: int) -> int:
        """How much of a response was handed out, padding not counted."""
        return self._milliseconds(self._played_bytes.get(response, 0))

    def take_events(self) -> list[PlayoutEvent]:
        """Hand over what happened since the last call, in order."""
        taken, self._events = self._events, []
        return taken

    def _measure_next_frame(self) -> None:
        parts = self._frame_parts - self._surplus_parts
        samples = -(-parts // 1000)
        self._surplus_parts = 1000 * samples - parts
        self._frame_bytes = samples * BYTES_PER_SAMPLE

    def _count_held_frame(self) -> None:
        assert self._held_frames is not None, "only while held"
        self._held_frames += 1
        if self._held_frames == self._max_hold_frames:
            held = self._queue[0].number if self._queue else next(reversed(self._over), -1)
            self._events.append(HoldExpired(held))

    def _queued(self, response: int) -> _Response | None:
        """The queue's entry for a response, made if it is next; None if its time is over."""
        for queued in self._queue:
            if queued.number == response:
                return queued
        if response in self._over:
            return None
        self._queue.append(_Response(response))
        self._remember(response)
        return self._queue[-1]

    def _drop(self, queued: _Response, frames: int) -> None:
        size = min(frames * self._frame_bytes, len(queued.pcm))
        del queued.pcm[:size]
        self._buffered_bytes -= size
        self._dropped_bytes += size

    def _remember(self, response: int) -> None:
        self._played_bytes.setdefault(response, 0)
        if len(self._played_bytes) > MAX_REMEMBERED + len(self._queue):
            self._played_bytes.popitem(last=False)

    def _retire_drained(self) -> None:
        while self._queue and self._queue[0].finished and not self._queue[0].pcm:
            drained = self._queue.popleft()
            self.discard(drained.number)
            if drained.started:
                self._events.append(PlayoutStopped(drained.number))

    def _bytes(self, milliseconds: int) -> int:
        return milliseconds * self._rate // 1000 * BYTES_PER_SAMPLE

    def _milliseconds(self, size: int) -> int:
        return size * 1000 // (self._rate * BYTES_PER_SAMPLE)
