"""What a defect does to SIP: the message or timer that met it has no effect, and others have."""

import logging
from collections.abc import Callable

from transceiver.sip.flow import Flow
from transceiver.sip.sip_counters import SipCounters
from transceiver.sip.user_agent import Unheard, UserAgent

logger = logging.getLogger(__name__)

LOG_EVERY_S = 10.0
"""Whoever can provoke a defect is not to fill the log."""


class ContainedAgent:
    """A user agent that raises nothing; `forget` is told of flows that are lost, too."""

    def __init__(
        self,
        agent: UserAgent,
        forget: Callable[[Flow], None],
        counters: SipCounters,
        clock: Callable[[], float],
    ) -> None:
        self._agent = agent
        self._forget = forget
        self._counters = counters
        self._clock = clock
        self._log_from = 0.0

    def receive(self, data: bytes, flow: Flow) -> Unheard | None:
        try:
            return self._agent.receive(data, flow)
        except Exception:  # noqa: BLE001
            self._defect()
            return None

    def flow_lost(self, flow: Flow) -> None:
        self._do(lambda: self._forget(flow))
        self._do(lambda: self._agent.flow_lost(flow))

    def undeliverable(self, data: bytes) -> None:
        self._do(lambda: self._agent.undeliverable(data))

    @property
    def due_at(self) -> float:
        """When `tick` has something to do; infinity while no timer runs."""
        return self._agent.due_at

    def tick(self) -> None:
        """Do what is due."""
        if self._agent.due_at <= self._clock():
            self._do(self._agent.tick)

    def hang_up_all(self) -> None:
        self._do(self._agent.hang_up_all)

    def _do(self, step: Callable[[], None]) -> None:
        try:
            step()
        except Exception:  # noqa: BLE001
            self._defect()

    def _defect(self) -> None:
        """For the exception that is being handled."""
        self._counters.defects += 1
        if self._clock() >= self._log_from:
            self._log_from = self._clock() + LOG_EVERY_S
            logger.exception("a SIP message or timer met a defect")
