"""Messages that are lost and repeated, one transaction at a time."""

import pytest

from tests.transceiver.sip.agents import EDGE, Agent, Network, RawPeer
from transceiver.sip.flow import Flow, SipTransport
from transceiver.sip.invite_session import EndedBy, Ending
from transceiver.sip.message import parse_message
from transceiver.sip.user_agent import Unheard


def ack(peer: RawPeer, branch: str) -> bytes:
    return peer.request("ACK", branch=branch, to_tag=peer.tag)


def test_a_refusal_is_repeated_until_it_is_acknowledged(
    network: Network, alice: Agent, peer: RawPeer
) -> None:
    alice.answer = lambda session: session.reject(486)
    invite = peer.request("INVITE", body="offer", branch="z9hG4bK-one")
    peer.send(invite, alice)
    network.run(5)
    assert peer.statuses == [100, 486, 486, 486, 486]
    peer.send(ack(peer, "z9hG4bK-one"), alice)
    for _ in range(2):
        peer.send(invite, alice)
        peer.send(ack(peer, "z9hG4bK-one"), alice)
    network.run(60)
    assert len(peer.received) == 5
    assert not alice.unheard
    assert network.clock.idle


def test_a_refusal_that_nobody_acknowledges(network: Network, alice: Agent, peer: RawPeer) -> None:
    alice.answer = lambda session: session.reject(486)
    peer.send(peer.request("INVITE", body="offer"), alice)
    network.run(31.9)
    assert peer.statuses == [100] + [486] * 11
    network.run(10)
    assert len(peer.received) == 12
    assert network.clock.idle


def test_a_refusal_over_a_connection_is_said_once(
    network: Network, alice: Agent, peer: RawPeer
) -> None:
    alice.answer = lambda session: session.reject(486)
    invite = peer.request("INVITE", body="offer", branch="z9hG4bK-one")
    flow = Flow(EDGE, SipTransport.TCP, peer.address, connection=1)
    alice.receive(invite, flow)
    network.run(5)
    assert peer.statuses == [100, 486]
    alice.receive(ack(peer, "z9hG4bK-one"), flow)
    network.run(0)
    assert alice.sip.transaction_count == 0


def test_every_refusal_is_acknowledged(network: Network, alice: Agent, peer: RawPeer) -> None:
    call = alice.call(peer.address)
    network.run(0.1)
    invite = peer.requests[0]
    refusal = peer.answer(invite, 486, tag="p")
    for _ in range(3):
        peer.send(refusal, alice)
        network.run(10)
    acks = [each for each in peer.requests if each.method == "ACK"]
    assert len(acks) == 3
    assert acks[0].headers["Via"] == invite.headers["Via"]
    assert acks[0].uri == invite.uri
    assert acks[0].headers["To"].endswith(";tag=p")
    assert acks[0].headers["Max-Forwards"] == "70"
    assert call.endings == [Ending(EndedBy.REFUSED, 486)]
    network.run(10)
    peer.send(refusal, alice)
    assert alice.unheard == [Unheard.STRAY_RESPONSE]


def test_a_provisional_response_stops_the_repetition(
    network: Network, alice: Agent, peer: RawPeer
) -> None:
    alice.call(peer.address)
    network.run(0.8)
    assert len(peer.requests) == 2
    peer.send(peer.answer(peer.requests[0], 100), alice)
    network.run(60)
    assert len(peer.requests) == 2


def test_another_request_is_repeated_more_slowly(
    network: Network, alice: Agent, peer: RawPeer
) -> None:
    call = peer.called(alice)
    call.call.hang_up()
    network.run(4)
    assert [each.method for each in peer.requests] == ["BYE"] * 4
    peer.send(peer.answer(peer.requests[0], 100), alice)
    network.run(27.9)
    assert len(peer.requests) == 4 + 7 - 1
    network.run(10)
    assert alice.sip.transaction_count == 0
    assert network.clock.idle


def test_two_peers_may_use_one_branch(network: Network, alice: Agent, peer: RawPeer) -> None:
    for host in ("192.0.2.9", "192.0.2.10"):
        via = ("Via", f"SIP/2.0/UDP {host};rport;branch=z9hG4bK-same")
        peer.send(peer.request("OPTIONS", via, ("Call-ID", host)), alice)
    network.run(0.1)
    assert [each.headers["Call-ID"] for each in peer.responses] == ["192.0.2.9", "192.0.2.10"]


def test_an_answer_is_repeated_when_the_request_is(
    network: Network, alice: Agent, peer: RawPeer
) -> None:
    options = peer.request("OPTIONS")
    for _ in range(3):
        peer.send(options, alice)
        network.run(10)
    assert peer.statuses == [200, 200, 200]
    network.run(5)
    assert alice.sip.transaction_count == 0


@pytest.mark.parametrize(
    ("transport", "contact"),
    [
        (SipTransport.UDP, "@192.0.2.1:5060>"),
        (SipTransport.TCP, "@192.0.2.1:5060;transport=tcp>"),
        (SipTransport.TLS, "@192.0.2.1:5060;transport=tls>"),
        (SipTransport.WSS, "@192.0.2.1:5060;transport=ws>"),
    ],
)
def test_peers_learn_how_to_reach_us(
    network: Network, alice: Agent, transport: SipTransport, contact: str
) -> None:
    call = alice.call(("192.0.2.66", 5060), transport)
    invite = parse_message(network.sent[0])
    assert invite.headers["Contact"] == f"<sip:{call.call.call_id}{contact}"
    assert invite.headers["Via"].startswith(f"SIP/2.0/{transport.value} 192.0.2.1:5060;rport;")


def test_who_calls_securely_is_answered_so(network: Network, alice: Agent, peer: RawPeer) -> None:
    flow = Flow(EDGE, SipTransport.TLS, peer.address, connection=1)
    secure = ("Contact", "<sips:peer@192.0.2.9>")
    alice.receive(peer.request("INVITE", secure, body="offer"), flow)
    network.run(0.1)
    assert peer.responses[-1].headers["Contact"].startswith("<sips:rtc_")
