"""The audio that a client appends, on its way to the engine.

A client may append what it recorded as fast as it likes: it is forwarded at up to PACE times
real time, so that no session keeps the others' speech waiting, and read no faster than that.
Over a session it may be ahead of real time by MAX_AHEAD_S, which is more than one event
holds; beyond that audio is refused.
"""

from collections import deque

from antiphon_proto.audio_block import BYTES_PER_SAMPLE
from antiphon_proto.realtime import RealtimeError
from antiphon_proto.realtime.audio_format import AudioFormat
from transceiver.event_audio import EventAudioDecoder, bytes_per_s

PACE = 20
BURST_S = 1.0
"""Forwarded at once."""

FRAME_S = 0.1
"""The longest frame to the engine."""

MAX_AHEAD_S = 600.0


class AppendedAudio:
    """PCM at `rate`, whose clock counts the samples that were appended."""

    def __init__(self, rate: int, now: float) -> None:
        self._decoder = EventAudioDecoder(rate)
        self._waiting: deque[tuple[AudioFormat, memoryview]] = deque()
        self._position = 0
        self._ahead_s, self._appended_at = 0.0, now
        self._burst_s, self._taken_at = 0.0, now

    def append(self, audio_format: AudioFormat, audio: bytes, now: float) -> None:
        """Take it all or, raising RealtimeError, nothing."""
        a_second = bytes_per_s(audio_format)
        ahead_s = max(0.0, self._ahead_s - (now - self._appended_at)) + len(audio) / a_second
        if ahead_s > MAX_AHEAD_S:
            raise RealtimeError(
                "rate_limit_exceeded",
                "Audio is appended faster than it is spoken: this event's was not taken.",
                param="audio",
            )
        self._ahead_s, self._appended_at = ahead_s, now
        self._waiting.append((audio_format, memoryview(audio)))

    def take(self, now: float) -> list[tuple[int, bytes]]:
        """What may go now: frames and the positions of their first samples."""
        self._burst_s = max(0.0, self._burst_s - (now - self._taken_at) * PACE)
        self._taken_at = now
        frames: list[tuple[int, bytes]] = []
        while self._waiting and self._burst_s < BURST_S:
            audio_format, audio = self._next_frame()
            self._burst_s += len(audio) / bytes_per_s(audio_format)
            pcm = self._decoder.decode(audio_format, audio)
            if pcm:
                frames.append((self._position, pcm))
                self._position += len(pcm) // BYTES_PER_SAMPLE
        return frames

    def _next_frame(self) -> tuple[AudioFormat, bytes]:
        audio_format, audio = self._waiting.popleft()
        size = int(bytes_per_s(audio_format) * FRAME_S)
        if len(audio) > size:
            self._waiting.appendleft((audio_format, audio[size:]))
        return audio_format, bytes(audio[:size])

    @property
    def wait_s(self) -> float:
        """Until more may go; 0 when nothing waits."""
        return self._burst_s / PACE if self._waiting else 0.0
