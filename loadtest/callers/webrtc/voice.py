"""What a caller's microphone sends: recorded speech and silence as RTP packets."""

import random
import struct
from dataclasses import dataclass

from loadtest.callers.speech import Speech
from loadtest.callers.talk_spurts import SpokenFrame
from loadtest.callers.webrtc.session_description import RemoteDescription

FRAME_TICKS = 960

_RTP = struct.Struct(">BBHII")
_MARKER = 0x80
_MOST_IN_RED = 1 << 10
"""https://www.rfc-editor.org/rfc/rfc2198#section-3: lengths have 10 bits."""


@dataclass(frozen=True, slots=True)
class VoiceFormat:
    """How frames are packed: Opus, or RED that repeats each frame once, as Chromium does."""

    opus: int
    red: int | None

    @classmethod
    def agreed(cls, remote: RemoteDescription, *, red: bool) -> "VoiceFormat":
        return cls(remote.opus, remote.red if red else None)


class Voice:
    """A frame every 20 ms, of speech or of silence: a browser's microphone never stops."""

    def __init__(
        self, speech: Speech, voice_format: VoiceFormat, ssrc: int, chance: random.Random
    ) -> None:
        self.frames = 0
        self.octets = 0
        self.timestamp = chance.getrandbits(32)
        """Of the last frame."""
        self._utterances = [each.packets for each in speech.utterances]
        self._silence = speech.silence
        self._format = voice_format
        self._ssrc = ssrc
        # In the lower half, as the first one should be: libsrtp counts its wraps from 0.
        self._sequence = chance.getrandbits(15)
        self._before = b""

    def packet(self, spoken: SpokenFrame | None) -> bytes:
        """The RTP packet of the next 20 ms."""
        marker = 0
        frame = self._silence
        if spoken is not None:
            frame = self._utterances[spoken.utterance][spoken.frame]
            marker = _MARKER if spoken.spurt else 0
        self._sequence = sequence = self._sequence + 1 & 0xFFFF
        self.timestamp = timestamp = self.timestamp + FRAME_TICKS & 0xFFFFFFFF
        self.frames += 1
        self.octets += len(frame)
        payload_type, payload = self._format.opus, frame
        if self._format.red is not None:
            payload_type, payload = self._format.red, self._repeating(frame)
        return _RTP.pack(0x80, payload_type | marker, sequence, timestamp, self._ssrc) + payload

    def _repeating(self, frame: bytes) -> bytes:
        """https://www.rfc-editor.org/rfc/rfc2198#section-3"""
        before, self._before = self._before, frame
        opus = self._format.opus
        if not 0 < len(before) < _MOST_IN_RED:
            return bytes([opus]) + frame
        head = (0x80 | opus) << 24 | FRAME_TICKS << 10 | len(before)
        return head.to_bytes(4, "big") + bytes([opus]) + before + frame
