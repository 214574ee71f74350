"""A session's output on its way to the trunk: what may leave, in which order.

Events leave at once, except a response's Done, which follows its last audio.
Audio of a response waits until playback gives it credit, so that a barge-in
finds next to nothing on the wire; a cancelled response's audio is forgotten.
"""

from collections import deque
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from antiphon_proto.audio_block import BYTES_PER_SAMPLE
from antiphon_proto.trunk import (
    UNSOLICITED,
    Done,
    DoneStatus,
    Event,
    ResponseStarted,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    WordsSpoken,
)
from inference.engine_output import Audio, EngineOutput

LIVE_BACKLOG_MS = 200
"""Full-duplex audio that waits longer than this is stale: the oldest is dropped."""

MAX_HELD_MS = 60_000
MAX_EVENTS = 4096
"""What a session may hold for a transceiver that does not read."""


class OutboundOverflowError(Exception):
    """The session holds more output than it may."""


class OutboundFrame(NamedTuple):
    response: int
    offset: int
    """Samples of the response before this frame's first."""
    pcm: bytes


@dataclass(slots=True)
class _Lane:
    """The audio of one response that has not left yet."""

    response: int
    chunks: deque[bytes] = field(default_factory=deque)
    held_bytes: int = 0
    offset: int = 0
    played_ms: int = 0
    done: Done | None = None
    cancelled: bool = False

    def push(self, pcm: bytes) -> None:
        self.chunks.append(pcm)
        self.held_bytes += len(pcm)

    def pull(self, limit: int) -> bytes:
        """Up to `limit` bytes, an even number, from the front."""
        pulled: list[bytes] = []
        while self.chunks and limit > 0:
            chunk = self.chunks.popleft()
            if len(chunk) > limit:
                self.chunks.appendleft(chunk[limit:])
                chunk = chunk[:limit]
            pulled.append(chunk)
            limit -= len(chunk)
        pcm = b"".join(pulled)
        self.held_bytes -= len(pcm)
        self.offset += len(pcm) // BYTES_PER_SAMPLE
        return pcm

    def clear(self) -> None:
        self.chunks.clear()
        self.held_bytes = 0


class Outbound:
    """Mutate with `put`, `cancel` and `credit`, then `take` what may leave."""

    def __init__(self, rate: int, credit_ms: int, *, full_duplex: bool) -> None:
        self.credit_ms = credit_ms
        self._bytes_per_ms = rate * BYTES_PER_SAMPLE // 1000
        self._events: deque[Event] = deque()
        self._lanes = {UNSOLICITED: _Lane(UNSOLICITED)} if full_duplex else {}
        self.stale_bytes = 0
        """Audio dropped: of cancelled responses, or live and too old."""

    @property
    def held_bytes(self) -> int:
        return sum(lane.held_bytes for lane in self._lanes.values())

    def begin(self, response: int) -> None:
        """Let output of `response` through until its Done."""
        self._lanes[response] = _Lane(response)

    def put(self, output: EngineOutput) -> None:
        """Queue an engine's output; what belongs to no begun response is dropped.

        Raises OutboundOverflowError when too much piles up.
        """
        match output:
            case Audio():
                self._put_audio(output)
            case Done():
                self._put_done(output)
            case ResponseStarted() | TextDelta() | WordsSpoken() | ToolCallDelta() | ToolCall():
                lane = self._lanes.get(output.response)
                if lane is not None and not lane.cancelled:
                    self._put_event(output)
            case _:
                self._put_event(output)

    def cancel(self, response: int) -> None:
        """Forget what waits of `response` and everything of it still to come, but for its Done."""
        lane = self._lanes.get(response)
        if lane is None:
            return
        self.stale_bytes += lane.held_bytes
        lane.clear()
        lane.cancelled = True
        if lane.done is not None:
            lane.done = replace(lane.done, status=DoneStatus.CANCELLED)

    def credit(self, response: int, played_ms: int) -> None:
        lane = self._lanes.get(response)
        if lane is not None:
            lane.played_ms = max(lane.played_ms, played_ms)

    def take(self, budget: int) -> list[Event | OutboundFrame]:
        """What may leave, in order, with at most `budget` bytes of audio."""
        taken: list[Event | OutboundFrame] = list(self._events)
        self._events.clear()
        for lane in list(self._lanes.values()):
            offset = lane.offset
            pcm = lane.pull(min(self._allowance(lane), budget) & ~1)
            budget -= len(pcm)
            if pcm:
                taken.append(OutboundFrame(lane.response, offset, pcm))
            if lane.done is not None and not lane.chunks:
                taken.append(lane.done)
                del self._lanes[lane.response]
        return taken

    @property
    def has_sendable(self) -> bool:
        """Whether `take` with some budget would give anything."""
        return bool(self._events) or any(
            (lane.chunks and self._allowance(lane) > 0) or (lane.done and not lane.chunks)
            for lane in self._lanes.values()
        )

    def _allowance(self, lane: _Lane) -> int:
        if lane.response == UNSOLICITED:
            return lane.held_bytes
        limit = (lane.played_ms + self.credit_ms) * self._bytes_per_ms
        return max(0, limit - lane.offset * BYTES_PER_SAMPLE)

    def _put_audio(self, audio: Audio) -> None:
        lane = self._lanes.get(audio.response)
        if lane is None or lane.cancelled:
            self.stale_bytes += len(audio.pcm)
            return
        lane.push(audio.pcm)
        if lane.response == UNSOLICITED:
            stale = lane.held_bytes - LIVE_BACKLOG_MS * self._bytes_per_ms
            self.stale_bytes += len(lane.pull(stale)) if stale > 0 else 0
        elif lane.held_bytes > MAX_HELD_MS * self._bytes_per_ms:
            raise OutboundOverflowError(f"more than {MAX_HELD_MS} ms of audio wait")

    def _put_done(self, done: Done) -> None:
        lane = self._lanes.get(done.response)
        if lane is None or lane.done is not None:
            return
        cancelled = lane.cancelled and done.status is DoneStatus.COMPLETED
        lane.done = replace(done, status=DoneStatus.CANCELLED) if cancelled else done

    def _put_event(self, event: Event) -> None:
        if len(self._events) >= MAX_EVENTS:
            raise OutboundOverflowError(f"more than {MAX_EVENTS} events wait")
        self._events.append(event)
