"""Plain integers about a worker's SIP messages; `sip_metrics.py` reads them at a scrape."""

from collections import Counter
from dataclasses import dataclass, field
from enum import Enum

from transceiver.sip.flow import SipTransport
from transceiver.sip.sip_drop import SipDrop
from transceiver.sip.user_agent import Unheard


class Direction(Enum):
    IN = "in"
    OUT = "out"


METHODS = (
    *("INVITE", "ACK", "PRACK", "CANCEL", "BYE", "UPDATE", "INFO", "REFER", "NOTIFY"),
    *("REGISTER", "OPTIONS"),
)
"""Those that are served or sent."""

OTHER = "other"
CLASSES = tuple(f"{each}xx" for each in range(1, 7))


@dataclass(slots=True)
class SipCounters:
    """Messages at this worker's own sockets, and what went to and from other workers."""

    messages: Counter[tuple[Direction, SipTransport, str]] = field(default_factory=Counter)
    """By a method of METHODS, OTHER, or a response's class."""
    drops: Counter[SipDrop] = field(default_factory=Counter)
    unheard: Counter[Unheard] = field(default_factory=Counter)
    handed_over: int = 0
    """Messages that belonged to another worker than they reached."""
    connections_opened: int = 0
    defects: int = 0
    """Messages and timers that met an error of this program."""

    def count(self, direction: Direction, transport: SipTransport, message: bytes) -> None:
        self.messages[direction, transport, message_kind(message)] += 1


def message_kind(message: bytes) -> str:
    """A method of METHODS, a class, or OTHER."""
    first, _, rest = message[:48].partition(b" ")
    if first == b"SIP/2.0":
        name = f"{rest[:1].decode('latin-1')}xx"
        return name if name in CLASSES else OTHER
    name = first.decode("latin-1")
    return name if name in METHODS else OTHER
