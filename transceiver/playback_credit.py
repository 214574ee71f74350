"""Tells the engine how much was played, often enough that its credit does not run out."""

from antiphon_proto.trunk import PlaybackCredit
from transceiver.audio.playout import Playout

STEP_MS = 40
"""Played time between two reports: a fifth of the default credit, so a report may be late."""


class PlaybackCreditor:
    """Watches the playout of one call; numbers of responses grow."""

    def __init__(self) -> None:
        self._response = 0
        self._reported_ms = 0

    def due(self, playout: Playout) -> PlaybackCredit | None:
        """The report to send, if the playing response has advanced by a step since the last."""
        response = playout.playing
        if not response:
            return None
        if response != self._response:
            self._response, self._reported_ms = response, 0
        played_ms = playout.played_ms(response)
        if played_ms - self._reported_ms < STEP_MS:
            return None
        self._reported_ms = played_ms
        return PlaybackCredit(response, played_ms)
