"""The speech of one utterance, kept until its transcript is there."""

from antiphon_proto.audio_block import BYTES_PER_SAMPLE
from inference.engines.cascade.speech_recognition import SAMPLE_RATE

BYTES_PER_SECOND = SAMPLE_RATE * BYTES_PER_SAMPLE
MAX_UTTERANCE_S = 300


class UtteranceAudio:
    """16 bit mono samples at SAMPLE_RATE, at most MAX_UTTERANCE_S of them."""

    def __init__(self) -> None:
        self._pcm = bytearray()
        self.sent = 0
        """Bytes that a server took."""

    def push(self, pcm: bytes) -> bool:
        """False when it became too long."""
        self._pcm += pcm
        return len(self._pcm) <= MAX_UTTERANCE_S * BYTES_PER_SECOND

    @property
    def samples(self) -> int:
        return len(self._pcm) // BYTES_PER_SAMPLE

    @property
    def seconds(self) -> float:
        return len(self._pcm) / BYTES_PER_SECOND

    @property
    def unsent_seconds(self) -> float:
        return (len(self._pcm) - self.sent) / BYTES_PER_SECOND

    def whole(self) -> bytes:
        return bytes(self._pcm)

    def unsent(self, most: int) -> bytes:
        """Up to `most` bytes that no server took, which thereby count as sent."""
        chunk = bytes(self._pcm[self.sent : self.sent + most])
        self.sent += len(chunk)
        return chunk

    def forget(self) -> None:
        """Free the memory; the length stays known only to who asked before."""
        self._pcm.clear()
        self.sent = 0
