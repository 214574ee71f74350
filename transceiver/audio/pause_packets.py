"""What the client is sent while the agent is silent: next to nothing, but not nothing.

A telephone that hears no packet at all takes the call for dead after a while, and NATs and
session border controllers forget where it goes: https://www.rfc-editor.org/rfc/rfc6263
"""

from transceiver.audio.format import AudioFormat, Codec

KEPT_ALIVE_S = 15.0
"""https://www.rfc-editor.org/rfc/rfc6263#section-3: 15 seconds at the least."""

NOISE_LEVEL = 70
"""Decibels below the loudest that there is: https://www.rfc-editor.org/rfc/rfc3389#section-3
Just so loud that the line is not taken for dead."""

_SILENCE = {Codec.PCMU: 0xFF, Codec.PCMA: 0xD5}
_OPUS_SILENCE = bytes.fromhex("f8fffe")
"""20 ms of nothing, mono: https://www.rfc-editor.org/rfc/rfc6716#section-3.1"""


class PausePackets:
    """Tells for each frame of a pause what is sent of it, if anything is.

    Comfort noise where the client takes it, as each pause begins; else a frame of silence. What
    comes over the telephone gets one before the agent has said anything: some wait for it
    to know where theirs may go.
    """

    def __init__(self, audio_format: AudioFormat) -> None:
        noise_type = audio_format.comfort_noise_payload_type
        self._announced = noise_type is not None
        self._every = round(KEPT_ALIVE_S * 1000) // audio_format.frame_ms
        self._left = self._every if audio_format.codec is Codec.OPUS else 1
        if noise_type is not None:
            self._packet = noise_type, bytes([NOISE_LEVEL])
        else:
            self._packet = audio_format.payload_type, _silence(audio_format)

    def begin(self) -> None:
        """The agent has stopped speaking."""
        self._left = 1 if self._announced else self._every

    def due(self) -> tuple[int, bytes] | None:
        """The payload type and the payload for the next frame of the pause."""
        self._left -= 1
        if self._left:
            return None
        self._left = self._every
        return self._packet


def _silence(audio_format: AudioFormat) -> bytes:
    if audio_format.codec is Codec.OPUS:
        return _OPUS_SILENCE
    samples = audio_format.codec.clock_rate * audio_format.frame_ms // 1000
    return bytes([_SILENCE[audio_format.codec]]) * samples
