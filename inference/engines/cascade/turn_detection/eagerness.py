"""How long the user is waited for, by the eagerness that a session asks for.

https://platform.openai.com/docs/guides/realtime-vad#semantic-vad
"""

from dataclasses import dataclass

from antiphon_proto.trunk import Eagerness


@dataclass(frozen=True, slots=True)
class Waits:
    """Pauses that end a turn, in milliseconds."""

    complete_ms: int
    """Where what was said makes a whole turn."""
    incomplete_ms: int
    """Where it does not: the longest that is ever waited."""

    def wait_ms(self, likelihood: float) -> float:
        """The pause that ends a turn which is whole as likely as this, from 0 to 1.

        In equal ratios: half as sure is some times as long, not some seconds longer.
        """
        ratio = self.complete_ms / self.incomplete_ms
        return float(self.incomplete_ms * ratio**likelihood)


WAITS = {
    Eagerness.LOW: Waits(800, 8000),
    Eagerness.MEDIUM: Waits(500, 4000),
    Eagerness.HIGH: Waits(300, 2000),
}
