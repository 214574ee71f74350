import logging

import pytest

from tests.transceiver.sip.transport_driver import PHONE, WORKERS, request
from transceiver.sip.contained_agent import LOG_EVERY_S, ContainedAgent
from transceiver.sip.flow import Flow, SipTransport
from transceiver.sip.sip_counters import SipCounters
from transceiver.sip.user_agent import Unheard, UserAgent

FLOW = Flow(WORKERS[0], SipTransport.UDP, PHONE)


class Defective(UserAgent):
    """One with an error in everything that it does."""

    def __init__(self) -> None:
        self.lost: list[Flow] = []

    @property
    def due_at(self) -> float:
        return 100.0

    def tick(self) -> None:
        raise KeyError("tick")

    def receive(self, data: bytes, flow: Flow) -> Unheard | None:
        raise KeyError("receive")

    def flow_lost(self, flow: Flow) -> None:
        self.lost.append(flow)

    def undeliverable(self, data: bytes) -> None:
        raise KeyError("undeliverable")

    def hang_up_all(self) -> None:
        raise KeyError("hang up")


def test_defects_are_counted_and_logged_now_and_then(caplog: pytest.LogCaptureFixture) -> None:
    agent, counters, now = Defective(), SipCounters(), [99.0]

    def forget(_flow: Flow) -> None:
        raise KeyError("forget")

    contained = ContainedAgent(agent, forget, counters, lambda: now[0])
    contained.tick()
    assert counters.defects == 0
    now[0] = 100.0
    with caplog.at_level(logging.ERROR):
        contained.tick()
        assert contained.receive(request(), FLOW) is None
        contained.undeliverable(request())
        contained.hang_up_all()
        contained.flow_lost(FLOW)
        assert counters.defects == 5
        assert agent.lost == [FLOW]
        assert len(caplog.records) == 1
        now[0] += LOG_EVERY_S
        contained.tick()
        assert len(caplog.records) == 2
    assert "alice" not in caplog.text
