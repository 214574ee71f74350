"""Whether an answer that was made is still being played, as the transceiver reports it."""

UNREPORTED_MS = 100
"""Of an answer's end: reports come in steps, and what the last one leaves out is silence."""


class Playback:
    """Follows one session's answers, whose numbers grow."""

    def __init__(self) -> None:
        self._made = 0
        """The latest answer that was made to its end; 0: none, or it was cut."""
        self._duration_ms = 0
        self._playing = 0
        self._played_ms = 0

    @property
    def going_on(self) -> bool:
        """Never with a transceiver that does not report: then the client plays."""
        if not 0 < self._playing <= self._made:
            return False
        return self._playing < self._made or self._played_ms < self._duration_ms - UNREPORTED_MS

    def made(self, response: int, duration_ms: int) -> None:
        if response > self._made:
            self._made, self._duration_ms = response, duration_ms

    def played(self, response: int, played_ms: int) -> None:
        if response >= self._playing:
            self._playing, self._played_ms = response, played_ms

    def cut(self) -> None:
        """Nothing that was made is played any more."""
        self._made = 0
