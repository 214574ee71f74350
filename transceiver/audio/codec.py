"""What the receiver and the playout ask of a codec.

PCM is mono, signed 16 bit, little endian, at the engine's rate, on both sides.
"""

from typing import Protocol

from transceiver.audio.opus_mode import OpusMode


class AudioCodecError(ValueError):
    """Not a packet of the codec, or not a frame that it can code."""


class AudioDecoder(Protocol):
    """Decodes one stream. Samples are at the engine's rate."""

    @property
    def clock_rate(self) -> int:
        """RTP timestamp ticks a second."""

    @property
    def concealment_step(self) -> int:
        """Repairs are multiples of this many samples."""

    def duration(self, payload: bytes) -> int:
        """The samples that `payload` decodes to. Raises AudioCodecError."""

    def decode(self, payload: bytes) -> bytes:
        """The packet's audio. Raises AudioCodecError."""

    def repair(self, following: bytes, samples: int) -> bytes:
        """The `samples` before packet `following`: from what it repeats of them, else a guess.

        At most 120 ms.
        """

    def conceal(self, samples: int) -> bytes:
        """A guess at the next `samples`, at most 120 ms."""

    def reset(self) -> None:
        """Forget the past: the next packet begins another stream."""


class AudioEncoder(Protocol):
    """Encodes one stream."""

    @property
    def clock_rate(self) -> int:
        """RTP timestamp ticks a second."""

    def encode(self, pcm: bytes) -> bytes:
        """One packet's payload; `pcm` lasts the format's `frame_ms`. Raises AudioCodecError."""

    def adapt(self, mode: OpusMode, expected_loss: float) -> None:
        """Code what follows so, where the codec has a choice.

        `expected_loss` is the part of the frames, 0 to 1, that the receiver will miss.
        """
