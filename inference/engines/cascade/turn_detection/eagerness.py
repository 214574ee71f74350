"""How long the user is waited for, by the eagerness that a session asks for.

https://platform.openai.com/docs/guides/realtime-vad#semantic-vad
"""

from dataclasses import dataclass

from antiphon_proto.trunk import Eagerness


@dataclass(frozen=True, slots=True)
class Waits:
    """Pauses that end a turn, in milliseconds."""

    complete_ms: int
    """Where the words make a whole turn."""
    incomplete_ms: int
    """Where they do not: the longest that is ever waited."""


WAITS = {
    Eagerness.LOW: Waits(800, 8000),
    Eagerness.MEDIUM: Waits(500, 4000),
    Eagerness.HIGH: Waits(300, 2000),
}
