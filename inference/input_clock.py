"""Puts a session's input frames on one clock without overlaps or small holes."""

from typing import NamedTuple

from antiphon_proto.audio_block import BYTES_PER_SAMPLE

MAX_FILL_S = 2
"""Longest run of silence put into a hole. An engine that hears more than this knows that
speech has ended, and a jumping clock costs no more than this to follow."""


class Run(NamedTuple):
    position: int
    pcm: bytes


class InputClock:
    """Follows one session's media time, in samples at `rate`.

    The first frame says where the clock stands: a session that another replica served
    before goes on with its clock.
    """

    def __init__(self, rate: int) -> None:
        self._max_fill = MAX_FILL_S * rate
        self._begun = False
        self.position = 0
        """Where the next sample is expected."""
        self.overlapped_samples = 0

    def place(self, position: int, pcm: bytes) -> list[Run]:
        """What to give the engine for a frame: silence for a hole before it, then the frame.

        What repeats samples already given is cut off and counted.
        """
        runs: list[Run] = []
        if not pcm:
            return runs
        if not self._begun:
            self._begun, self.position = True, position
        if position < self.position:
            repeated = min(self.position - position, len(pcm) // BYTES_PER_SAMPLE)
            self.overlapped_samples += repeated
            pcm = pcm[repeated * BYTES_PER_SAMPLE :]
            position = self.position
        elif position > self.position:
            fill = min(position - self.position, self._max_fill)
            runs.append(Run(self.position, bytes(fill * BYTES_PER_SAMPLE)))
        if pcm:
            runs.append(Run(position, pcm))
            self.position = position + len(pcm) // BYTES_PER_SAMPLE
        return runs
