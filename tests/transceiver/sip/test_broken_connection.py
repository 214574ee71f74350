"""What a session says when the connection that it came by is gone."""

from collections.abc import Callable

import pytest

from tests.transceiver.sip.agents import Agent, Network
from transceiver.sip.flow import Flow, SipTransport
from transceiver.sip.invite_session import EndedBy
from transceiver.sip.next_hop import NextHop


@pytest.fixture
def hops(network: Network, monkeypatch: pytest.MonkeyPatch) -> list[Flow | NextHop]:
    """By which everything goes that is sent."""
    hops: list[Flow | NextHop] = []
    send: Callable[..., None] = network._send

    def noted(source: tuple[str, int], data: bytes, hop: Flow | NextHop) -> None:
        hops.append(hop)
        send(source, data, hop)

    monkeypatch.setattr(network, "_send", noted)
    return hops


@pytest.fixture
def flow(network: Network, alice: Agent, bob: Agent) -> Flow:
    """Of a call of alice's that bob has taken."""
    alice.call(bob.address, SipTransport.TCP)
    network.run(1.0)
    return Flow(("127.0.0.1", 9000), SipTransport.TCP, alice.address)


def test_it_is_said_by_another(
    network: Network, alice: Agent, bob: Agent, flow: Flow, hops: list[Flow | NextHop]
) -> None:
    hops.clear()
    bob.sip.flow_lost(flow)
    bob.calls[0].call.hang_up()
    assert [type(each) for each in hops] == [NextHop]
    network.run(1.0)
    assert bob.calls[0].endings[0].by is EndedBy.US


def test_what_was_on_its_way_is_said_again_by_another_and_not_a_third_time(
    bob: Agent, flow: Flow, hops: list[Flow | NextHop], network: Network
) -> None:
    hops.clear()
    bob.calls[0].call.hang_up()
    assert hops == [flow]
    bob.sip.flow_lost(flow)
    assert [type(each) for each in hops] == [Flow, NextHop]
    bob.sip.flow_lost(flow)
    network.run(60.0)
    byes = [each for each in network.methods() if each == "BYE"]
    assert len(byes) == 2


def test_another_connection_is_nothing_to_it(
    bob: Agent, flow: Flow, hops: list[Flow | NextHop]
) -> None:
    other = Flow(flow.edge, flow.transport, ("192.0.2.9", 5060), 7)
    hops.clear()
    bob.sip.flow_lost(other)
    bob.calls[0].call.hang_up()
    assert hops == [flow]
