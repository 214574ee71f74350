"""What happens within a session that stands."""

import pytest

from tests.transceiver.sip.agents import Agent, Handler, Network, RawPeer
from transceiver.sip.invite_session import EndedBy, Ending


def within(peer: RawPeer, method: str, *fields: tuple[str, str], **further: object) -> bytes:
    """A request of the peer in the session that it began."""
    return peer.request(method, *fields, to_tag=peer.tag, **further)  # type: ignore[arg-type]


@pytest.fixture
def pair(network: Network, alice: Agent, bob: Agent) -> tuple[Handler, Handler]:
    """A call of alice's to bob."""
    call = alice.call(bob.address)
    network.run(1)
    network.sent.clear()
    for handler in (call, bob.calls[0]):
        handler.heard.clear()
    return call, bob.calls[0]


def test_another_offer_of_either_side(network: Network, pair: tuple[Handler, Handler]) -> None:
    caller, callee = pair
    callee.call.reinvite()
    network.run(1)
    caller.call.reinvite()
    network.run(1)
    assert network.methods() == ["INVITE", "200", "ACK"] * 2
    assert caller.heard == [
        ("offered", "offer 1 of bob"),
        ("answered", "answer to offer 2 of alice"),
    ]
    assert callee.heard == [
        ("answered", "answer to offer 1 of bob"),
        ("offered", "offer 2 of alice"),
    ]


def test_two_offers_that_meet_are_made_again(
    network: Network, pair: tuple[Handler, Handler]
) -> None:
    caller, callee = pair
    caller.call.reinvite()
    callee.call.reinvite()
    network.run(0.2)
    assert network.methods() == ["INVITE", "INVITE", "491", "491", "ACK", "ACK"]
    network.run(10)
    assert network.methods().count("200") == 2
    assert [each[0] for each in caller.heard] == ["offered", "answered"]  # type: ignore[index]
    assert not caller.endings
    assert not callee.endings


def test_an_offer_waits_for_the_one_before(network: Network, pair: tuple[Handler, Handler]) -> None:
    caller, callee = pair
    for _ in range(3):
        caller.call.reinvite()
    network.run(1)
    assert network.methods() == ["INVITE", "200", "ACK"] * 2
    assert len(callee.heard) == 2


def test_another_offer_that_is_refused_changes_nothing(
    network: Network, pair: tuple[Handler, Handler]
) -> None:
    caller, callee = pair
    callee.refuses = True
    caller.call.reinvite()
    network.run(1)
    assert network.methods() == ["INVITE", "488", "ACK"]
    assert b'\r\nWarning: 399 antiphon "no codec"\r\n' in network.sent[1]
    assert not caller.endings
    assert not callee.endings


def test_a_call_that_can_offer_nothing_more_ends(
    network: Network, pair: tuple[Handler, Handler]
) -> None:
    caller, callee = pair
    callee.refuses = True
    callee.call.reinvite()
    network.run(1)
    assert callee.endings == [Ending(EndedBy.US)]
    assert caller.endings == [Ending(EndedBy.PEER)]


def test_another_answer_that_cannot_be_taken_ends_the_session(
    network: Network, pair: tuple[Handler, Handler]
) -> None:
    caller, callee = pair
    caller.refuses = True
    caller.call.reinvite()
    network.run(1)
    assert caller.endings == [Ending(EndedBy.US)]
    assert callee.endings == [Ending(EndedBy.PEER)]


def test_a_peer_that_knows_no_such_session_any_more(
    network: Network, alice: Agent, peer: RawPeer
) -> None:
    call = peer.called(alice)
    call.call.reinvite()
    network.run(0.1)
    peer.send(peer.answer(peer.requests[0], 481), alice)
    assert call.endings == [Ending(EndedBy.UNANSWERED)]


@pytest.mark.parametrize("hangs_up", [False, True])
def test_a_peer_that_tries_for_ever(
    network: Network, alice: Agent, peer: RawPeer, hangs_up: bool
) -> None:
    call = peer.called(alice)
    call.call.reinvite()
    network.run(0.1)
    peer.send(peer.answer(peer.requests[0], 100), alice)
    if hangs_up:
        call.call.hang_up()
    network.run(200)
    assert call.endings == [Ending(EndedBy.US if hangs_up else EndedBy.UNANSWERED)]
    assert network.clock.idle
    assert alice.sip.transaction_count == 0


def test_what_is_accepted_after_the_end_is_acknowledged(
    network: Network, alice: Agent, peer: RawPeer
) -> None:
    call = peer.called(alice)
    call.call.reinvite()
    network.run(0.1)
    call.call.hang_up()
    call.heard.clear()
    peer.send(peer.answer(peer.requests[0], 200, body="answer"), alice)
    network.run(0.1)
    assert [each.method for each in peer.requests] == ["INVITE", "BYE", "ACK"]
    assert not call.heard


def test_a_peer_offers_again_or_asks_for_an_offer(
    network: Network, alice: Agent, peer: RawPeer
) -> None:
    call = peer.call(alice)
    call.heard.clear()
    peer.send(within(peer, "INVITE", sequence=2, body="hold"), alice)
    network.run(0.1)
    peer.send(within(peer, "ACK", sequence=2), alice)
    peer.send(within(peer, "INVITE", sequence=3), alice)
    network.run(0.1)
    assert peer.responses[-1].body == b"offer 1 of alice"
    peer.send(within(peer, "ACK", sequence=3, body="resume"), alice)
    assert call.heard == [("offered", "hold"), ("answered", "resume")]


def test_an_offer_of_the_peers_while_ours_is_unanswered(
    network: Network, alice: Agent, peer: RawPeer
) -> None:
    peer.call(alice)
    peer.send(within(peer, "INVITE", sequence=2), alice)
    peer.send(within(peer, "INVITE", sequence=3, body="offer"), alice)
    peer.send(within(peer, "UPDATE", sequence=4, body="offer"), alice)
    network.run(0.1)
    assert peer.statuses == [200, 491, 491]


def test_an_offer_of_the_peers_while_theirs_is_unanswered(
    network: Network, alice: Agent, peer: RawPeer
) -> None:
    alice.answer = lambda session: session.ring()
    peer.send(peer.request("INVITE", body="offer"), alice)
    network.run(0.1)
    for number, method in enumerate(("INVITE", "UPDATE")):
        peer.send(within(peer, method, sequence=2 + number, body="another"), alice)
        network.run(0.1)
        assert peer.statuses[-1] == 500
        assert int(peer.responses[-1].headers["Retry-After"]) <= 10


def test_a_new_offer_shows_that_the_acceptance_came(
    network: Network, alice: Agent, peer: RawPeer
) -> None:
    peer.send(peer.request("INVITE", body="offer"), alice)
    network.run(0.1)
    peer.send(within(peer, "INVITE", sequence=2, body="another"), alice)
    network.run(0.1)
    assert "established" in alice.calls[0].heard
    peer.send(within(peer, "ACK", sequence=2), alice)
    before = len(peer.received)
    network.run(40)
    assert len(peer.received) == before


def test_an_update_is_answered(network: Network, alice: Agent, peer: RawPeer) -> None:
    call = peer.call(alice)
    call.heard.clear()
    elsewhere = ("Contact", "<sip:peer@192.0.2.9;elsewhere>")
    peer.send(within(peer, "UPDATE", sequence=2, body="hold"), alice)
    peer.send(within(peer, "UPDATE", elsewhere, sequence=3), alice)
    network.run(0.1)
    assert peer.statuses == [200, 200]
    assert [each.body for each in peer.responses] == [b"answer to hold", b""]
    assert call.heard == [("offered", "hold")]
    call.refuses = True
    peer.send(within(peer, "UPDATE", sequence=4, body="worse"), alice)
    network.run(0.1)
    assert peer.statuses[-1] == 488
    assert peer.responses[-1].headers["Warning"] == '399 antiphon "no codec"'
    call.call.hang_up()
    network.run(0.1)
    assert peer.requests[0].uri.parameters == {"elsewhere": None}


@pytest.mark.parametrize(
    ("kind", "body", "status", "digit"),
    [
        ("application/dtmf-relay", "Signal=5\r\nDuration=160", 200, "5"),
        ("application/dtmf-relay", "Duration = 160\r\nSignal = #", 200, "#"),
        ("application/dtmf-relay", "Signal=10\r\n", 200, "*"),
        ("application/dtmf", "d", 200, "D"),
        ("application/dtmf", "11", 200, "#"),
        ("application/dtmf", "x", 415, None),
        ("application/dtmf-relay", "", 200, None),
        ("application/media_control+xml", "<xml/>", 415, None),
    ],
)
def test_keys_by_info(
    network: Network,
    alice: Agent,
    peer: RawPeer,
    kind: str,
    body: str,
    status: int,
    digit: str | None,
) -> None:
    call = peer.call(alice)
    call.heard.clear()
    peer.send(within(peer, "INFO", ("Content-Type", kind), sequence=2, body=body), alice)
    network.run(0.1)
    assert peer.statuses == [status]
    assert call.heard == ([("dtmf", digit)] if digit else [])


def test_methods_of_no_consequence(network: Network, alice: Agent, peer: RawPeer) -> None:
    peer.call(alice)
    for number, method in enumerate(("OPTIONS", "REFER", "NOTIFY", "PRACK", "MESSAGE", "FOO")):
        peer.send(within(peer, method, sequence=2 + number), alice)
        network.run(0.1)
    assert peer.statuses == [200, 603, 481, 481, 405, 501]


def test_a_transfer(network: Network, alice: Agent, peer: RawPeer) -> None:
    call = peer.call(alice)
    call.heard.clear()
    call.call.refer("sip:human@192.0.2.3")
    network.run(0.1)
    (refer,) = peer.requests
    assert (refer.method, refer.headers["Refer-To"]) == ("REFER", "<sip:human@192.0.2.3>")
    assert refer.headers["Referred-By"] == "<sip:agent@192.0.2.1>"
    peer.send(peer.answer(refer, 202), alice)
    for number, line in enumerate(("100 Trying", "180 Ringing", "200 OK", "200 OK")):
        notify = within(
            peer,
            "NOTIFY",
            ("Event", f"refer;id={refer.cseq.sequence}"),
            ("Subscription-State", "active;expires=60"),
            ("Content-Type", "message/sipfrag;version=2.0"),
            sequence=2 + number,
            body=f"SIP/2.0 {line}\r\n",
        )
        peer.send(notify, alice)
        network.run(0.1)
    told = [("transferred", status) for status in (100, 180, 200)]
    assert call.heard == [*told, Ending(EndedBy.US)]
    assert [each.method for each in peer.requests] == ["REFER", "BYE"]
    assert peer.statuses == [200, 200, 200, 481]


def test_a_transfer_that_nobody_answers(network: Network, alice: Agent, peer: RawPeer) -> None:
    call = peer.call(alice)
    call.call.refer("tel:+4930123456")
    network.run(0.1)
    other = within(peer, "NOTIFY", ("Event", "refer;id=77"), sequence=2)
    strange = within(peer, "NOTIFY", ("Event", "presence"), sequence=3)
    failed = within(
        peer,
        "NOTIFY",
        ("Event", "refer"),
        ("Content-Type", "message/sipfrag"),
        sequence=4,
        body="SIP/2.0 486 Busy Here",
    )
    for notify in (other, strange, failed):
        peer.send(notify, alice)
        network.run(0.1)
    assert peer.statuses == [481, 481, 200]
    assert call.heard[-1] == ("transferred", 486)
    assert not call.endings


@pytest.mark.parametrize(
    ("status", "field", "told"),
    [(603, ("X-Any", "1"), 603), (202, ("Refer-Sub", "false"), 202)],
)
def test_a_transfer_that_is_not_reported(
    network: Network,
    alice: Agent,
    peer: RawPeer,
    status: int,
    field: tuple[str, str],
    told: int,
) -> None:
    call = peer.call(alice)
    call.call.refer("sip:human@192.0.2.3")
    network.run(0.1)
    peer.send(peer.answer(peer.requests[0], status, field), alice)
    assert call.heard[-1] == ("transferred", told)
    assert not call.endings


def test_a_transfer_to_nowhere(alice: Agent, peer: RawPeer, network: Network) -> None:
    call = peer.call(alice)
    for target in ("http://example.com", "sip:a@b>\r\nX: y"):
        with pytest.raises(ValueError, match="URI"):
            call.call.refer(target)
    network.run(0.1)
    assert not peer.requests


class Credentials:
    def __init__(self) -> None:
        self.asked: list[tuple[str, str, str]] = []

    def answer(self, challenges: list[str], method: str, uri: str) -> str | None:
        self.asked.append((challenges[0], method, uri))
        return None if "unknown" in challenges[0] else f"credentials for {challenges[0]}"


def test_challenges_are_answered(network: Network, alice: Agent, peer: RawPeer) -> None:
    credentials = Credentials()
    call = alice.call(peer.address, authenticator=credentials)
    network.run(0.1)
    peer.send(peer.answer(peer.requests[-1], 407, ("Proxy-Authenticate", "proxy's")), alice)
    network.run(0.1)
    peer.send(peer.answer(peer.requests[-1], 401, ("WWW-Authenticate", "peer's")), alice)
    network.run(0.1)
    invites = [each for each in peer.requests if each.method == "INVITE"]
    assert [each.cseq.sequence for each in invites] == [1, 2, 3]
    assert invites[2].headers["Proxy-Authorization"] == "credentials for proxy's"
    assert invites[2].headers["Authorization"] == "credentials for peer's"
    assert len({each.headers["Call-ID"] for each in invites}) == 1
    assert credentials.asked[0] == ("proxy's", "INVITE", f"sip:agent@{peer.address[0]}:5060")
    peer.send(peer.answer(invites[2], 200, tag="peer", body="answer"), alice)
    network.run(0.1)
    ack = peer.requests[-1]
    assert (ack.method, ack.cseq.sequence) == ("ACK", 3)
    assert ack.headers["Authorization"] == "credentials for peer's"
    assert call.heard == [("answered", "answer"), "established"]


@pytest.mark.parametrize(
    ("challenge", "sent"),
    [("unknown", 1), ('Digest nonce="n"', 2), ('Digest nonce="n", stale=true', 5)],
)
def test_challenges_that_lead_nowhere(
    network: Network, alice: Agent, peer: RawPeer, challenge: str, sent: int
) -> None:
    call = alice.call(peer.address, authenticator=Credentials())
    for _ in range(5):
        network.run(0.1)
        invite = [each for each in peer.requests if each.method == "INVITE"][-1]
        peer.send(peer.answer(invite, 401, ("WWW-Authenticate", challenge)), alice)
    assert call.endings == [Ending(EndedBy.REFUSED, 401)]
    assert [each.method for each in peer.requests].count("INVITE") == sent


def test_nobody_is_called_with_credentials_after_hanging_up(
    network: Network, alice: Agent, peer: RawPeer
) -> None:
    call = alice.call(peer.address, authenticator=Credentials())
    network.run(0.1)
    call.call.hang_up()
    peer.send(peer.answer(peer.requests[0], 401, ("WWW-Authenticate", "any")), alice)
    network.run(0.1)
    assert [each.method for each in peer.requests] == ["INVITE", "ACK"]


def test_a_phone_that_has_another_flow_is_reached_by_that(
    network: Network, alice: Agent, peer: RawPeer
) -> None:
    call = peer.call(alice)
    other = RawPeer(network, "192.0.2.10")
    other.send(within(peer, "OPTIONS", sequence=2), alice)
    call.call.hang_up()
    network.run(0.1)
    assert [each.method for each in peer.requests + other.requests] == ["BYE"]
