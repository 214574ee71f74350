"""Provisional responses that have to be acknowledged, either way."""

import pytest

from tests.transceiver.sip.agents import Agent, Network, RawPeer
from transceiver.sip.invite_session import EndedBy, Ending, InviteSession

REQUIRED = ("Require", "100rel")


def prack(peer: RawPeer, sequence: int = 2, body: str = "", number: int = 0) -> bytes:
    """For the latest provisional response, or another number."""
    latest = [each for each in peer.responses if each.headers.get("RSeq")][-1]
    acknowledged = ("RAck", f"{number or latest.headers['RSeq']} 1 INVITE")
    return peer.request("PRACK", acknowledged, to_tag=peer.tag, sequence=sequence, body=body)


def test_ringing_is_repeated_until_it_is_acknowledged(
    network: Network, alice: Agent, peer: RawPeer
) -> None:
    def ring_twice(session: InviteSession) -> None:
        session.ring()
        session.ring()

    alice.answer = ring_twice
    peer.send(peer.request("INVITE", REQUIRED, body="offer"), alice)
    network.run(2)
    assert peer.statuses == [100, 180, 180, 180]
    assert len({each.headers.get("RSeq") for each in peer.responses[1:]}) == 1
    assert peer.responses[-1].headers["Require"] == "100rel"
    peer.send(prack(peer, number=1), alice)
    peer.send(prack(peer, 3), alice)
    network.run(0.1)
    assert peer.statuses[4:] == [481, 200, 180]
    peer.send(prack(peer, 4), alice)
    network.run(20)
    assert peer.statuses[7:] == [200]


def test_nobody_acknowledges(network: Network, alice: Agent, peer: RawPeer) -> None:
    alice.answer = lambda session: session.ring()
    peer.send(peer.request("INVITE", REQUIRED, body="offer"), alice)
    network.run(33)
    assert 504 in peer.statuses
    assert alice.calls[0].endings == [Ending(EndedBy.UNANSWERED)]
    network.run(100)
    assert network.clock.idle


def test_an_early_answer_is_acknowledged_before_the_call_is_accepted(
    network: Network, alice: Agent, peer: RawPeer
) -> None:
    def progress_and_accept(session: InviteSession) -> None:
        session.ring()
        session.progress()
        session.accept()

    alice.answer = progress_and_accept
    peer.send(peer.request("INVITE", ("Supported", "100rel"), body="offer"), alice)
    network.run(0.1)
    assert peer.statuses == [100, 180, 183]
    assert peer.responses[-1].body == b"answer to offer"
    peer.send(prack(peer), alice)
    network.run(0.1)
    assert peer.statuses[3:] == [200, 200]
    assert str(peer.responses[-1].cseq) == "1 INVITE"
    assert alice.calls[0].heard == [("offered", "offer")]


def test_an_acknowledgement_brings_another_offer(
    network: Network, alice: Agent, peer: RawPeer
) -> None:
    alice.answer = lambda session: session.progress()
    peer.send(peer.request("INVITE", ("Supported", "100rel"), body="offer"), alice)
    network.run(0.1)
    peer.send(prack(peer, body="another"), alice)
    network.run(0.1)
    assert peer.responses[-1].body == b"answer to another"
    alice.calls[0].call.accept()
    network.run(0.1)
    assert peer.statuses[-1] == 200
    assert not peer.responses[-1].body


@pytest.mark.parametrize("answer", ["answer", ""])
def test_a_caller_without_an_offer_who_wants_to_hear_of_ringing(
    network: Network, alice: Agent, peer: RawPeer, answer: str
) -> None:
    alice.answer = lambda session: session.ring()
    peer.send(peer.request("INVITE", REQUIRED), alice)
    network.run(0.1)
    assert peer.responses[-1].body == b"offer 1 of alice"
    peer.send(prack(peer, body=answer), alice)
    network.run(0.1)
    if not answer:
        assert alice.calls[0].endings == [Ending(EndedBy.US, 488)]
        assert 488 in peer.statuses
        return
    alice.calls[0].call.accept()
    network.run(0.1)
    assert not peer.responses[-1].body
    peer.send(peer.request("ACK", to_tag=peer.tag), alice)
    assert alice.calls[0].heard == [("answered", "answer"), "established"]


def test_an_early_answer_to_a_plain_caller(network: Network, alice: Agent, peer: RawPeer) -> None:
    alice.answer = lambda session: session.progress()
    peer.send(peer.request("INVITE", body="offer"), alice)
    network.run(0.1)
    alice.calls[0].call.accept()
    network.run(0.1)
    assert peer.statuses == [100, 183, 200]
    assert [each.body for each in peer.responses[1:]] == [b"answer to offer"] * 2


def test_a_peers_are_acknowledged_in_order(network: Network, alice: Agent, peer: RawPeer) -> None:
    call = alice.call(peer.address)
    network.run(0.1)
    invite = peer.requests[0]
    for number in (7, 9, 7, 8):
        reliable = (REQUIRED, ("RSeq", str(number)))
        peer.send(peer.answer(invite, 183, *reliable, tag="p", body="answer"), alice)
    network.run(0.1)
    pracks = [each for each in peer.requests if each.method == "PRACK"]
    assert [each.headers["RAck"] for each in pracks] == ["7 1 INVITE", "8 1 INVITE"]
    peer.send(peer.answer(invite, 200, tag="p", body="ignored"), alice)
    assert call.heard.count(("answered", "answer")) == 1
    assert ("answered", "ignored") not in call.heard
    assert call.heard[-1] == "established"


def test_an_early_session_is_changed(network: Network, alice: Agent, peer: RawPeer) -> None:
    call = alice.call(peer.address)
    network.run(0.1)
    invite = peer.requests[0]
    reliable = (REQUIRED, ("RSeq", "1"))
    peer.send(peer.answer(invite, 183, *reliable, tag="p", body="answer"), alice)
    update = peer.request(
        "UPDATE",
        ("From", f"{invite.headers['To']};tag=p"),
        ("To", invite.headers["From"]),
        ("Call-ID", invite.headers["Call-ID"]),
        body="music",
    )
    peer.send(update, alice)
    network.run(0.1)
    assert peer.responses[-1].body == b"answer to music"
    assert ("offered", "music") in call.heard
