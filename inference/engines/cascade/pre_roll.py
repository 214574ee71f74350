"""The newest stretch of a session's input, for speech that is noticed after it began."""

from antiphon_proto.audio_block import BYTES_PER_SAMPLE


class PreRoll:
    """Keeps what was pushed until it is forgotten."""

    def __init__(self) -> None:
        self._pcm = bytearray()
        self._end = 0

    def push(self, position: int, pcm: bytes) -> None:
        """Add samples whose first is sample `position`; a jump forgets what was before it."""
        if position != self._end:
            self._pcm.clear()
        self._pcm += pcm
        self._end = position + len(pcm) // BYTES_PER_SAMPLE

    def forget(self, position: int) -> None:
        """Drop what lies before sample `position`."""
        unwanted = len(self._pcm) - (self._end - position) * BYTES_PER_SAMPLE
        del self._pcm[: max(0, unwanted)]

    def since(self, position: int) -> bytes:
        """What is kept from sample `position` on."""
        wanted = (self._end - position) * BYTES_PER_SAMPLE
        return bytes(self._pcm[-wanted:]) if wanted > 0 else b""
