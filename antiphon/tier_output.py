"""What a tier writes to its standard output and error."""

from collections.abc import Callable

_LONGEST_LINE = 1 << 16


class TierOutput:
    """Holds a tier's lines back until it is ready, then passes whole lines on.

    A tier that cannot start explains itself in its last line, and that line alone
    is what the operator needs to see.
    """

    def __init__(self, sink: Callable[[bytes], None]) -> None:
        self._sink = sink
        self._held: list[bytes] | None = []
        self._partial = b""

    def feed(self, chunk: bytes) -> None:
        *lines, self._partial = (self._partial + chunk).split(b"\n")
        for line in lines:
            self._pass(line + b"\n")
        if len(self._partial) > _LONGEST_LINE:
            self.flush()

    def flush(self) -> None:
        """Pass on a line that has no end yet."""
        if self._partial:
            self._pass(self._partial + b"\n")
            self._partial = b""

    def release(self) -> None:
        """Pass on what was held back, and from here on everything as it comes."""
        held, self._held = self._held or [], None
        for line in held:
            self._sink(line)

    def last_line(self) -> str:
        """The last line held back that is not blank, or an empty string."""
        lines = [line.decode(errors="replace").strip() for line in self._held or []]
        return next((line for line in reversed(lines) if line), "")

    def _pass(self, line: bytes) -> None:
        if self._held is None:
            self._sink(line)
        else:
            self._held.append(line)
