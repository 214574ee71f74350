"""Whether a stream of RTP comes whole, in order and on time."""

from loadtest.measures.measures import Measures


class StreamCheck:
    """One stream, that is one SSRC, of authentic packets.

    Notes FRAMES_RECEIVED, FRAMES_LOST, FRAMES_REORDERED, FRAMES_DUPLICATED, FRAMES_ON_SCHEDULE
    and FRAME_LATENESS, all when it is told to `settle`.
    """

    def __init__(self, measures: Measures, *, clock_rate: int, on_schedule_s: float) -> None:
        raise NotImplementedError

    def received(self, sequence: int, timestamp: int, arrived_at: float) -> bool:
        """A packet came; `arrived_at` is in seconds by any steady clock.

        False: it had come before, and counts as a duplicate.
        """
        raise NotImplementedError

    def dropped(self, sequence: int) -> None:
        """A packet was taken on purpose: it is neither received nor lost."""
        raise NotImplementedError

    def settle(self, *, final: bool = False) -> None:
        """Note what came since the last time; call it about once each second.

        What is missing counts as lost once it has been for a whole such time, or at the end.
        """
        raise NotImplementedError
