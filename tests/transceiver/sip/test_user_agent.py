"""Sessions between two user agents, over links that lose nothing."""

import pytest

from tests.transceiver.sip.agents import Handler, Network
from transceiver.sip.flow import SipTransport
from transceiver.sip.invite_session import EndedBy, Ending


@pytest.fixture
def network() -> Network:
    return Network()


@pytest.mark.parametrize("transport", SipTransport)
def test_a_call_is_answered_and_ended(network: Network, transport: SipTransport) -> None:
    alice, bob = network.agent("alice", "192.0.2.1"), network.agent("bob", "192.0.2.2")
    call = alice.call(bob.address, transport)
    network.run(1)
    (answered,) = bob.calls
    assert answered.heard == [("offered", "offer 1 of alice"), "established"]
    assert call.heard == [("answered", "answer to offer 1 of alice"), "established"]
    assert network.methods() == ["INVITE", "100", "200", "ACK"]
    assert call.session
    call.session.hang_up()
    network.run(1)
    assert network.methods()[4:] == ["BYE", "200"]
    assert call.endings == [Ending(EndedBy.US)]
    assert answered.endings == [Ending(EndedBy.PEER)]
    network.run(100)
    assert network.clock.idle
