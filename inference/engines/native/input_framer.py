"""Cuts a session's input into the frames that a model's steps hear."""

from antiphon_proto.audio_block import BYTES_PER_SAMPLE
from inference.engines.native.step import STEP_SAMPLES

FRAME_BYTES = STEP_SAMPLES * BYTES_PER_SAMPLE


class InputFramer:
    """16 bit samples in, whole frames of 80 ms out."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def push(self, pcm: bytes) -> list[bytes]:
        """The frames that `pcm` completes."""
        self._rest += pcm
        whole = len(self._rest) // FRAME_BYTES * FRAME_BYTES
        frames = [bytes(self._rest[at : at + FRAME_BYTES]) for at in range(0, whole, FRAME_BYTES)]
        del self._rest[:whole]
        return frames

    def clear(self) -> None:
        """Forget samples that make no whole frame yet."""
        self._rest.clear()
