"""When an event is posted, and posted again.

    posted ──2xx──► delivered
      │ ▲
      │ └─ anything else: after 0.5, 1, 2, 4 ... 16 s, each a little longer by chance
      └── 410, or DELIVERY_S after the event: given up

Who calls does not ring for longer than that.
"""

from collections import Counter
from dataclasses import dataclass, field
from enum import Enum

DELIVERY_S = 60.0
FIRST_WAIT_S = 0.5
MAX_WAIT_S = 16.0
SPREAD = 0.25
"""The share of a wait by which it is longer at most: a server that restarts is not stormed."""

GONE = 410
"""The application wants no more of it."""


class WebhookOutcome(Enum):
    """A label of `antiphon_transceiver_webhooks_total`."""

    DELIVERED = "delivered"
    """It was answered with a status of 2xx."""
    GIVEN_UP = "given_up"
    """It never was, or was refused by 410."""
    DROPPED = "dropped"
    """Too many others waited."""


@dataclass(slots=True)
class WebhookCounters:
    """Plain integers, read at a scrape."""

    outcomes: Counter[WebhookOutcome] = field(default_factory=Counter)
    attempts: int = 0


@dataclass(slots=True)
class Delivery:
    """One event on its way. Times are those of a monotonic clock, in seconds."""

    event_id: str
    body: bytes = field(repr=False)
    begun_at: float
    attempts: int = 0
    outcome: WebhookOutcome | None = None

    def answered(self, status: int | None, now: float, chance: float) -> float:
        """An attempt ended with this status, or with none.

        Returns the seconds until the next one; there is none once there is an outcome.
        `chance` is evenly spread from 0 to 1.
        """
        self.attempts += 1
        if status is not None and 200 <= status < 300:
            self.outcome = WebhookOutcome.DELIVERED
            return 0.0
        wait_s: float = min(FIRST_WAIT_S * 2 ** (self.attempts - 1), MAX_WAIT_S)
        wait_s *= 1 + SPREAD * chance
        if status == GONE or now + wait_s > self.begun_at + DELIVERY_S:
            self.outcome = WebhookOutcome.GIVEN_UP
        return wait_s
