"""Posts events to the operator's application, each until it is taken or too old."""

import asyncio
import logging
from collections.abc import Callable

import aiohttp

from transceiver.webhooks.delivery import Delivery, WebhookCounters, WebhookOutcome
from transceiver.webhooks.target import WebhookTarget

logger = logging.getLogger(__name__)

ATTEMPT_S = 5.0
MAX_AT_ONCE = 8
MAX_WAITING = 256
"""Events that are on their way; those beyond are dropped, and counted."""

_CONTENT = {"Content-Type": "application/json", "User-Agent": "Antiphon"}


class WebhookSender:
    """`run` it, and `send` meanwhile."""

    def __init__(
        self,
        target: WebhookTarget,
        counters: WebhookCounters,
        *,
        clock: Callable[[], float],
        unix_time: Callable[[], float],
        random: Callable[[], float],
    ) -> None:
        """`clock` is monotonic; `random` is evenly spread from 0 to 1."""
        self._target = target
        self._counters = counters
        self._clock = clock
        self._unix_time = unix_time
        self._random = random
        self._events: asyncio.Queue[Delivery] = asyncio.Queue()
        self._waiting = 0
        self._places = asyncio.Semaphore(MAX_AT_ONCE)

    def send(self, event_id: str, body: bytes) -> None:
        """Post an event as soon as there is a place, and again until it is taken."""
        if self._waiting >= MAX_WAITING:
            self._count(event_id, WebhookOutcome.DROPPED)
            return
        self._waiting += 1
        self._events.put_nowait(Delivery(event_id, body, self._clock()))

    async def run(self) -> None:
        """Deliver until cancelled; what is not delivered then is lost."""
        async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as deliveries:
            while True:
                delivery = await self._events.get()
                deliveries.create_task(self._deliver(session, delivery))

    async def _deliver(self, session: aiohttp.ClientSession, delivery: Delivery) -> None:
        while True:
            async with self._places:
                status = await self._post(session, delivery)
            wait_s = delivery.answered(status, self._clock(), self._random())
            if delivery.outcome is not None:
                break
            await asyncio.sleep(wait_s)
        self._waiting -= 1
        self._count(delivery.event_id, delivery.outcome)

    async def _post(self, session: aiohttp.ClientSession, delivery: Delivery) -> int | None:
        """The status of the answer; None where there is none."""
        self._counters.attempts += 1
        now = int(self._unix_time())
        signed = self._target.secrets.headers(delivery.event_id, now, delivery.body)
        try:
            async with session.post(
                self._target.url,
                data=delivery.body,
                headers={**_CONTENT, **signed},
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=ATTEMPT_S),
            ) as response:
                return response.status
        except (aiohttp.ClientError, OSError, TimeoutError):
            return None

    def _count(self, event_id: str, outcome: WebhookOutcome) -> None:
        self._counters.outcomes[outcome] += 1
        if outcome is not WebhookOutcome.DELIVERED:
            logger.warning("webhook %s: %s", event_id, outcome.value)
