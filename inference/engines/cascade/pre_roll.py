"""The newest stretch of a session's input, for speech that is noticed after it began."""

from antiphon_proto.audio_block import BYTES_PER_SAMPLE


class PreRoll:
    """Keeps the last `samples` samples."""

    def __init__(self, samples: int) -> None:
        self.samples = samples
        self._pcm = bytearray()
        self._end = 0

    def push(self, position: int, pcm: bytes) -> None:
        """Add samples whose first is sample `position`; a jump forgets what was before it."""
        if position != self._end:
            self._pcm.clear()
        self._pcm += pcm
        self._end = position + len(pcm) // BYTES_PER_SAMPLE
        del self._pcm[: -self.samples * BYTES_PER_SAMPLE]

    def since(self, position: int) -> bytes:
        """What is kept from sample `position` on."""
        wanted = (self._end - position) * BYTES_PER_SAMPLE
        return bytes(self._pcm[-wanted:]) if wanted > 0 else b""
