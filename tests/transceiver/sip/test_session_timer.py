"""Sessions that are refreshed by either side, or over."""

import pytest

from tests.transceiver.sip.agents import Agent, Network, RawPeer
from transceiver.sip.invite_session import EndedBy, Ending

TIMER = ("Supported", "timer")


def test_a_peer_that_refreshes(network: Network, alice: Agent, peer: RawPeer) -> None:
    peer.send(
        peer.request("INVITE", TIMER, ("Session-Expires", "120;refresher=uac"), body="o"), alice
    )
    network.run(0.1)
    accepted = peer.responses[-1]
    assert accepted.headers["Session-Expires"] == "120;refresher=uac"
    assert accepted.headers["Require"] == "timer"
    to_tag = peer.tag
    peer.send(peer.request("ACK", to_tag=to_tag), alice)
    call = alice.calls[0]
    for number in range(4):
        network.run(60)
        update = peer.request(
            "UPDATE", TIMER, ("Session-Expires", "120"), to_tag=to_tag, sequence=2 + number
        )
        peer.send(update, alice)
    assert not call.endings
    network.run(89)
    assert call.endings == [Ending(EndedBy.EXPIRED)]
    assert peer.requests[-1].method == "BYE"


@pytest.mark.parametrize(
    ("fields", "method"),
    [
        ((TIMER, ("Session-Expires", "100;refresher=uas"), ("Allow", "INVITE, UPDATE")), "UPDATE"),
        ((TIMER, ("Session-Expires", "100;refresher=uas")), "INVITE"),
        ((("Session-Expires", "100"),), "INVITE"),
    ],
)
def test_we_refresh(
    network: Network,
    alice: Agent,
    peer: RawPeer,
    fields: tuple[tuple[str, str], ...],
    method: str,
) -> None:
    call = peer.call(alice, *fields)
    network.run(51)
    (refresh,) = [each for each in peer.requests if each.method != "ACK"][:1]
    assert refresh.method == method
    assert refresh.headers["Session-Expires"] == "100;refresher=uac"
    peer.send(
        peer.answer(refresh, 200, ("Session-Expires", "100;refresher=uac"), body="answer"), alice
    )
    network.run(48)
    assert not call.endings
    network.run(60)
    by = EndedBy.EXPIRED if method == "UPDATE" else EndedBy.UNANSWERED
    assert call.endings == [Ending(by)]


@pytest.mark.parametrize(("status", "ended"), [(481, True), (408, True), (405, False)])
def test_a_refresh_that_fails(
    network: Network, alice: Agent, peer: RawPeer, status: int, ended: bool
) -> None:
    fields = (TIMER, ("Session-Expires", "100;refresher=uas"), ("Allow", "UPDATE"))
    call = peer.call(alice, *fields)
    network.run(51)
    peer.send(peer.answer(peer.requests[0], status), alice)
    network.run(0.1)
    assert call.endings == ([Ending(EndedBy.EXPIRED)] if ended else [])
    assert peer.requests[-1].method == ("BYE" if ended else "INVITE")


def test_we_ask_for_a_timer(network: Network, alice: Agent, bob: Agent) -> None:
    call = alice.call(bob.address)
    network.run(1)
    assert b"Session-Expires: 1800;refresher=uac" in network.sent[2]
    network.run(3600 * 5)
    assert not call.endings
    assert not bob.calls[0].endings
    network.loss = 1
    network.run(1800)
    assert call.endings == [Ending(EndedBy.EXPIRED)]
    assert bob.calls[0].endings == [Ending(EndedBy.EXPIRED)]
    network.run(100)
    assert network.clock.idle


def test_a_peer_wants_a_longer_interval(network: Network, alice: Agent, peer: RawPeer) -> None:
    call = alice.call(peer.address)
    network.run(0.1)
    peer.send(peer.answer(peer.requests[0], 422, ("Min-SE", "3600")), alice)
    network.run(0.1)
    again = peer.requests[-1]
    assert (again.method, again.cseq.sequence) == ("INVITE", 2)
    assert (again.headers["Session-Expires"], again.headers["Min-SE"]) == ("3600", "3600")
    peer.send(peer.answer(again, 422, ("Min-SE", "7200")), alice)
    assert call.endings == [Ending(EndedBy.REFUSED, 422)]


def test_no_timer_where_nobody_asks(network: Network, alice: Agent, peer: RawPeer) -> None:
    call = peer.call(alice)
    network.run(100)
    assert network.clock.idle
    assert not call.endings
