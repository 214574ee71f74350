"""What begins and ends sessions, over links that lose nothing."""

from typing import NoReturn

import pytest

from tests.transceiver.sip.agents import EDGE, Agent, Handler, Network, RawPeer
from transceiver.sip.application import Reply
from transceiver.sip.flow import Flow, SipTransport
from transceiver.sip.gatekeeper import Refusal, Silence
from transceiver.sip.invite_session import EndedBy, Ending, InviteSession
from transceiver.sip.user_agent import Unheard

OFFER = "v=0 offer"


def invited(peer: RawPeer, alice: Agent, network: Network, *fields: tuple[str, str]) -> Handler:
    """A call of the peer's that was answered but not yet acknowledged."""
    peer.send(peer.request("INVITE", *fields, body=OFFER), alice)
    network.run(0.1)
    return alice.calls[-1]


@pytest.mark.parametrize("transport", SipTransport)
def test_a_call_is_answered_and_ended(
    network: Network, alice: Agent, bob: Agent, transport: SipTransport
) -> None:
    call = alice.call(bob.address, transport)
    network.run(1)
    (answered,) = bob.calls
    assert answered.heard == [("offered", "offer 1 of alice"), "established"]
    assert call.heard == [("answered", "answer to offer 1 of alice"), "established"]
    assert network.methods() == ["INVITE", "100", "200", "ACK"]
    call.call.hang_up()
    network.run(1)
    assert network.methods()[4:] == ["BYE", "200"]
    assert call.endings == [Ending(EndedBy.US)]
    assert answered.endings == [Ending(EndedBy.PEER)]
    network.run(100)
    assert network.clock.idle
    assert (alice.sip.session_count, bob.sip.transaction_count) == (0, 0)


def test_who_was_called_hangs_up(network: Network, alice: Agent, bob: Agent) -> None:
    call = alice.call(bob.address)
    network.run(1)
    bob.calls[0].call.hang_up()
    network.run(1)
    assert bob.calls[0].endings == [Ending(EndedBy.US)]
    assert call.endings == [Ending(EndedBy.PEER)]


def test_a_caller_hears_that_it_rings_and_gives_up(
    network: Network, alice: Agent, bob: Agent
) -> None:
    bob.answer = lambda session: session.ring()
    call = alice.call(bob.address)
    network.run(1)
    assert call.heard == [("ringing", 180)]
    call.call.hang_up()
    network.run(1)
    assert network.methods()[3:] == ["CANCEL", "200", "487", "ACK"]
    assert call.endings == [Ending(EndedBy.US)]
    assert bob.calls[0].endings == [Ending(EndedBy.PEER)]
    network.run(100)
    assert network.clock.idle


def test_nobody_is_cancelled_before_they_said_anything(
    network: Network, alice: Agent, peer: RawPeer
) -> None:
    call = alice.call(peer.address)
    call.call.hang_up()
    network.run(0.1)
    (invite,) = peer.requests
    peer.send(peer.answer(invite, 180, tag="p"), alice)
    network.run(0.1)
    assert [each.method for each in peer.requests] == ["INVITE", "CANCEL"]
    cancel = peer.requests[1]
    assert cancel.headers["Via"] == invite.headers["Via"]
    assert str(cancel.cseq) == "1 CANCEL"
    assert call.endings == [Ending(EndedBy.US)]


def test_who_accepts_though_it_was_cancelled_is_dismissed(
    network: Network, alice: Agent, peer: RawPeer
) -> None:
    call = alice.call(peer.address)
    network.run(0.1)
    invite = peer.requests[0]
    peer.send(peer.answer(invite, 180, tag="p"), alice)
    call.call.hang_up()
    for _ in range(2):
        peer.send(peer.answer(invite, 200, tag="p", body="answer"), alice)
    network.run(0.1)
    methods = [each.method for each in peer.requests]
    assert methods == ["INVITE", "CANCEL", "ACK", "BYE", "ACK"]
    assert call.heard == [("ringing", 180), Ending(EndedBy.US)]


def test_a_phone_that_never_answers_is_called_for_so_long(
    network: Network, alice: Agent, bob: Agent
) -> None:
    bob.answer = lambda session: session.ring()
    call = alice.call(bob.address, ring_at_most_s=60)
    network.run(59)
    assert not call.endings
    network.run(2)
    assert call.endings == [Ending(EndedBy.UNANSWERED)]
    assert bob.calls[0].endings == [Ending(EndedBy.PEER)]


def test_nobody_is_there(network: Network, alice: Agent) -> None:
    call = alice.call(("192.0.2.66", 5060))
    network.run(31.9)
    assert network.methods() == ["INVITE"] * 7
    network.run(2)
    assert call.endings == [Ending(EndedBy.UNANSWERED, 408)]
    assert network.clock.idle


def test_what_cannot_be_sent_ends_the_call_at_once(network: Network, alice: Agent) -> None:
    call = alice.call(("192.0.2.66", 5060))
    alice.sip.undeliverable(network.sent[0])
    assert call.endings == [Ending(EndedBy.UNANSWERED, 503)]
    alice.sip.undeliverable(b"no message")
    network.run(1)
    assert network.clock.idle


def test_a_connection_that_is_lost_ends_what_is_not_answered(
    network: Network, alice: Agent, bob: Agent
) -> None:
    bob.answer = lambda session: session.ring()
    call = alice.call(bob.address, SipTransport.TCP)
    network.run(1)
    alice.sip.flow_lost(Flow(EDGE, SipTransport.TCP, bob.address))
    bob.sip.flow_lost(Flow(EDGE, SipTransport.TCP, alice.address))
    assert call.endings == [Ending(EndedBy.UNANSWERED, 503)]
    assert bob.calls[0].endings == [Ending(EndedBy.UNANSWERED)]
    network.run(100)
    assert network.clock.idle


def test_a_connection_that_is_lost_leaves_a_session_that_stands(
    network: Network, alice: Agent, bob: Agent
) -> None:
    call = alice.call(bob.address, SipTransport.TCP)
    network.run(1)
    bob.sip.flow_lost(Flow(EDGE, SipTransport.TCP, alice.address))
    assert not call.endings
    assert not bob.calls[0].endings


def test_the_callee_declines(network: Network, alice: Agent, bob: Agent) -> None:
    bob.answer = lambda session: session.reject(486)
    call = alice.call(bob.address)
    network.run(1)
    assert network.methods() == ["INVITE", "100", "486", "ACK"]
    assert call.endings == [Ending(EndedBy.REFUSED, 486)]
    assert bob.calls[0].endings == [Ending(EndedBy.US)]


def test_the_callee_hangs_up_before_it_answers(network: Network, alice: Agent, bob: Agent) -> None:
    bob.answer = lambda session: session.hang_up()
    call = alice.call(bob.address)
    network.run(1)
    assert call.endings == [Ending(EndedBy.REFUSED, 603)]


def test_the_application_refuses_at_once(network: Network, alice: Agent, bob: Agent) -> None:
    bob.refusal = Reply(503, (("Retry-After", "5"),))
    call = alice.call(bob.address)
    network.run(1)
    assert network.methods() == ["INVITE", "100", "503", "ACK"]
    assert call.endings == [Ending(EndedBy.REFUSED, 503)]
    assert bob.sip.session_count == 0
    network.run(40)
    assert network.clock.idle


@pytest.mark.parametrize("fields", [(), (("Require", "100rel"),)])
def test_no_offer_for_who_has_none(
    network: Network, alice: Agent, peer: RawPeer, fields: tuple[tuple[str, str], ...]
) -> None:
    def refuse(session: InviteSession) -> None:
        alice.calls[0].refuses = True
        with pytest.raises(ValueError, match="no codec"):
            session.ring() if fields else session.accept()

    alice.answer = refuse
    peer.send(peer.request("INVITE", *fields), alice)
    network.run(0.1)
    assert peer.statuses == [100, 488]
    assert peer.responses[-1].headers["Warning"] == '399 antiphon "no codec"'
    assert alice.calls[0].endings == [Ending(EndedBy.US, 488)]


def test_an_offer_that_cannot_be_answered(network: Network, alice: Agent, bob: Agent) -> None:
    def refuse(session: InviteSession) -> None:
        bob.calls[0].refuses = True
        session.accept()

    bob.answer = refuse
    call = alice.call(bob.address)
    with pytest.raises(ValueError, match="no codec"):
        network.run(1)
    network.run(1)
    assert call.endings == [Ending(EndedBy.REFUSED, 488)]
    assert bob.calls[0].endings == [Ending(EndedBy.US, 488)]


def test_nobody_is_called_without_an_offer(alice: Agent, bob: Agent) -> None:
    with pytest.raises(ValueError, match="no codec"):
        alice.call(bob.address, handler=Handler("alice", refuses=True))
    assert alice.sip.session_count == 0
    assert alice.sip.due_at == float("inf")


def test_an_answer_that_cannot_be_taken_ends_the_session(
    network: Network, alice: Agent, bob: Agent
) -> None:
    call = alice.call(bob.address)
    call.refuses = True
    network.run(1)
    assert network.methods() == ["INVITE", "100", "200", "ACK", "BYE", "200"]
    assert call.endings == [Ending(EndedBy.US)]
    assert bob.calls[0].endings == [Ending(EndedBy.PEER)]


def test_every_session_is_ended_with_the_worker(network: Network, alice: Agent, bob: Agent) -> None:
    calls = [alice.call(bob.address) for _ in range(3)]
    network.run(1)
    bob.sip.hang_up_all()
    network.run(1)
    assert [call.endings for call in calls] == [[Ending(EndedBy.PEER)]] * 3
    assert bob.sip.session_count == 0


def test_who_hangs_up_before_the_ack_says_bye_after_it(
    network: Network, alice: Agent, peer: RawPeer
) -> None:
    call = invited(peer, alice, network)
    call.call.hang_up()
    network.run(0.1)
    assert call.endings == [Ending(EndedBy.US)]
    assert not peer.requests
    call.heard.clear()
    peer.send(peer.request("UPDATE", to_tag=peer.tag, sequence=2, body=OFFER), alice)
    network.run(0.1)
    assert peer.statuses[-1] == 481
    assert not call.heard
    peer.send(peer.request("ACK", to_tag=peer.tag), alice)
    network.run(0.1)
    assert [each.method for each in peer.requests] == ["BYE"]
    assert alice.sip.session_count == 0


def test_an_acceptance_is_repeated_until_it_is_too_late(
    network: Network, alice: Agent, peer: RawPeer
) -> None:
    call = invited(peer, alice, network)
    network.run(31.5)
    assert peer.statuses == [100] + [200] * 11
    assert not call.endings
    network.run(1)
    assert call.heard == [("offered", OFFER), Ending(EndedBy.UNANSWERED)]
    assert peer.requests[0].method == "BYE"


def test_a_caller_without_an_offer_gets_one(network: Network, alice: Agent, peer: RawPeer) -> None:
    peer.send(peer.request("INVITE"), alice)
    network.run(0.1)
    assert peer.responses[-1].body == b"offer 1 of alice"
    peer.send(peer.request("ACK", to_tag=peer.tag, body="answer"), alice)
    assert alice.calls[0].heard == [("answered", "answer"), "established"]


def test_a_caller_who_never_answers_our_offer_is_let_go(
    network: Network, alice: Agent, peer: RawPeer
) -> None:
    peer.send(peer.request("INVITE"), alice)
    network.run(0.1)
    peer.send(peer.request("ACK", to_tag=peer.tag), alice)
    network.run(0.1)
    assert alice.calls[0].heard == [Ending(EndedBy.US)]
    assert [each.method for each in peer.requests] == ["BYE"]


@pytest.mark.parametrize("accepts", [False, True])
def test_a_caller_waits_so_long_and_no_longer(
    network: Network, alice: Agent, peer: RawPeer, accepts: bool
) -> None:
    alice.answer = lambda session: session.accept() if accepts else session.ring()
    call = invited(peer, alice, network, ("Expires", "20"))
    network.run(19.8)
    assert not call.endings
    network.run(0.3)
    assert call.endings == ([] if accepts else [Ending(EndedBy.PEER)])
    assert (487 in peer.statuses) is not accepts


def test_a_bye_before_the_answer_ends_the_call(
    network: Network, alice: Agent, peer: RawPeer
) -> None:
    alice.answer = lambda session: session.ring()
    call = invited(peer, alice, network)
    peer.send(peer.request("BYE", to_tag=peer.tag, sequence=2), alice)
    network.run(0.1)
    assert sorted(peer.statuses) == [100, 180, 200, 487]
    assert call.endings == [Ending(EndedBy.PEER)]


def test_two_phones_accept_and_one_is_dismissed(
    network: Network, alice: Agent, peer: RawPeer
) -> None:
    call = alice.call(peer.address)
    network.run(0.1)
    invite = peer.requests[0]
    peer.send(peer.answer(invite, 183, tag="one", body="early answer"), alice)
    peer.send(peer.answer(invite, 200, tag="two", body="answer"), alice)
    peer.send(peer.answer(invite, 200, tag="one", body="late answer"), alice)
    network.run(0.1)
    assert call.heard == [
        ("answered", "early answer"),
        ("ringing", 183),
        ("answered", "answer"),
        "established",
    ]
    later = [(each.method, each.to_address.parameters["tag"]) for each in peer.requests[1:]]
    assert later == [("ACK", "two"), ("ACK", "one"), ("BYE", "one")]


def test_a_callee_without_a_contact(network: Network, alice: Agent, peer: RawPeer) -> None:
    call = alice.call(peer.address)
    network.run(0.1)
    accepted = peer.answer(peer.requests[0], 200, tag="p", body="answer")
    peer.send(accepted.replace(b"Contact", b"X-Contact"), alice)
    network.run(0.1)
    assert call.heard[-1] == "established"
    assert peer.requests[-1].method == "ACK"


def test_an_acknowledgement_is_repeated_with_the_acceptance(
    network: Network, alice: Agent, peer: RawPeer
) -> None:
    call = alice.call(peer.address)
    network.run(0.1)
    for _ in range(3):
        peer.send(peer.answer(peer.requests[0], 200, tag="p", body="answer"), alice)
    network.run(0.1)
    assert [each.method for each in peer.requests] == ["INVITE", "ACK", "ACK", "ACK"]
    assert call.heard == [("answered", "answer"), "established"]


def test_a_repeated_invite_is_answered_as_before(
    network: Network, alice: Agent, peer: RawPeer
) -> None:
    alice.answer = lambda session: session.ring()
    invite = peer.request("INVITE", body=OFFER)
    for _ in range(3):
        peer.send(invite, alice)
        network.run(0.1)
    assert peer.statuses == [100, 180, 180, 180]
    assert len(alice.calls) == 1


@pytest.mark.parametrize("cookie", ["z9hG4bK-peer", "of-old"])
def test_a_cancel_finds_its_invite(
    network: Network, alice: Agent, peer: RawPeer, cookie: str
) -> None:
    alice.answer = lambda session: None
    peer.send(peer.request("INVITE", body=OFFER, branch=cookie), alice)
    network.run(0.1)
    peer.send(peer.request("CANCEL", branch=cookie), alice)
    network.run(0.1)
    assert sorted(peer.statuses) == [100, 200, 487]
    assert len({each.headers["To"] for each in peer.responses if each.code > 100}) == 1
    refusal = next(each for each in peer.responses if each.code == 487)
    ack = peer.request("ACK", branch=cookie, to_tag=refusal.to_address.parameters["tag"] or "never")
    peer.send(ack, alice)
    assert not alice.unheard
    before = len(peer.received)
    network.run(20)
    assert len(peer.received) == before


def test_a_call_is_cancelled_from_where_it_came_alone(
    network: Network, alice: Agent, peer: RawPeer
) -> None:
    alice.answer = lambda session: None
    peer.send(peer.request("INVITE", body=OFFER, branch="z9hG4bK-1"), alice)
    network.run(0.1)
    alice.verdict = Silence()
    stranger = Flow(EDGE, SipTransport.UDP, ("192.0.2.66", 5060))
    alice.receive(peer.request("CANCEL", branch="z9hG4bK-1"), stranger)
    network.run(0.1)
    assert alice.unheard == [Unheard.UNKNOWN_CALLER]
    assert peer.statuses == [100]


def test_a_cancel_of_nothing(network: Network, alice: Agent, peer: RawPeer) -> None:
    peer.send(peer.request("CANCEL"), alice)
    alice.verdict = Silence()
    peer.send(peer.request("CANCEL"), alice)
    network.run(0.1)
    assert peer.statuses == [481]
    assert alice.unheard == [Unheard.UNKNOWN_CALLER]


@pytest.mark.parametrize(
    ("method", "fields", "status", "name"),
    [
        ("OPTIONS", (), 200, "Allow"),
        ("REGISTER", (), 200, "X-Registered"),
        ("MESSAGE", (), 405, "Allow"),
        ("REFER", (), 405, "Allow"),
        ("FROBNICATE", (), 501, "Allow"),
        ("BYE", (), 481, None),
        ("NOTIFY", (("Event", "refer"),), 481, None),
        ("OPTIONS", (("Require", "100rel, teleport"),), 420, "Unsupported"),
        ("INVITE", (("Contact", "<tel:+1234>"),), 400, None),
        ("INVITE", (("Record-Route", "<nonsense"),), 400, None),
        ("INVITE", (("Session-Expires", "30"), ("Supported", "timer")), 422, "Min-SE"),
        ("INFO", (("Info-Package", "unheard-of"),), 469, "Recv-Info"),
    ],
)
def test_requests_that_begin_nothing(
    network: Network,
    alice: Agent,
    peer: RawPeer,
    method: str,
    fields: tuple[tuple[str, str], ...],
    status: int,
    name: str | None,
) -> None:
    peer.send(peer.request(method, *fields), alice)
    network.run(0.1)
    assert [each for each in peer.statuses if each != 100] == [status]
    assert name is None or peer.responses[-1].headers.getlist(name)
    assert not alice.calls
    assert alice.sip.session_count == 0


@pytest.mark.parametrize(
    "fields",
    [
        (("Content-Type", "text/html"),),
        (("Content-Type", "application/sdp"), ("Content-Encoding", "gzip")),
        (("Content-Type", "multipart/mixed;boundary=x"),),
    ],
)
def test_a_body_that_cannot_be_read(
    network: Network, alice: Agent, peer: RawPeer, fields: tuple[tuple[str, str], ...]
) -> None:
    peer.send(peer.request("INVITE", *fields, body="hello"), alice)
    network.run(0.1)
    assert peer.statuses == [415]
    assert peer.responses[-1].headers["Accept"] == "application/sdp"


def test_a_request_within_no_dialog(network: Network, alice: Agent, peer: RawPeer) -> None:
    peer.send(peer.request("BYE", to_tag="unknown"), alice)
    peer.send(peer.request("ACK", to_tag="unknown"), alice)
    network.run(0.1)
    assert peer.statuses == [481]
    assert alice.unheard == [Unheard.STRAY_ACK]


def test_a_copy_that_came_by_another_way(network: Network, alice: Agent, peer: RawPeer) -> None:
    for branch in ("z9hG4bK-one", "z9hG4bK-two"):
        peer.send(peer.request("INVITE", body=OFFER, branch=branch), alice)
    network.run(0.1)
    assert sorted(peer.statuses) == [100, 200, 482]
    assert len(alice.calls) == 1


def test_a_stranger_hears_nothing(network: Network, alice: Agent, peer: RawPeer) -> None:
    alice.verdict = Silence()
    for method in ("INVITE", "REGISTER", "OPTIONS", "FROBNICATE", "BYE", "CANCEL", "ACK"):
        peer.send(peer.request(method, to_tag="x" if method == "BYE" else ""), alice)
    peer.send(peer.request("INVITE", ("CSeq", "nonsense")), alice)
    network.run(1)
    assert not peer.received
    assert alice.sip.transaction_count == 0
    assert alice.unheard == [Unheard.UNKNOWN_CALLER] * 6 + [Unheard.STRAY_ACK, Unheard.MALFORMED]


def test_a_challenge_leaves_nothing_behind(network: Network, alice: Agent, peer: RawPeer) -> None:
    alice.verdict = Refusal(401, (("WWW-Authenticate", "Digest ..."),))
    invite = peer.request("INVITE", body=OFFER)
    for _ in range(2):
        peer.send(invite, alice)
    network.run(1)
    assert peer.statuses == [401, 401]
    assert {each.headers["To"] for each in peer.responses} == {peer.responses[0].headers["To"]}
    assert alice.sip.transaction_count == 0


def test_somebody_known_hears_what_is_wrong(network: Network, alice: Agent, peer: RawPeer) -> None:
    peer.send(peer.request("OPTIONS", ("CSeq", "1 INVITE")), alice)
    peer.send(peer.request("OPTIONS", uri="http://example.com"), alice)
    peer.send(peer.request("ACK", ("CSeq", "1 INVITE")), alice)
    peer.send(b"nonsense\r\n\r\n", alice)
    network.run(0.1)
    assert peer.statuses == [400, 416]
    assert alice.unheard == [Unheard.MALFORMED] * 2


def test_a_response_to_nothing(alice: Agent, peer: RawPeer, network: Network) -> None:
    alice.call(peer.address)
    network.run(0.1)
    data = peer.answer(peer.requests[0], 200, tag="p").replace(b"branch=z9hG4bK", b"branch=z9hG4bX")
    peer.send(data, alice)
    assert alice.unheard == [Unheard.STRAY_RESPONSE]


def test_a_late_request_is_refused(network: Network, alice: Agent, peer: RawPeer) -> None:
    invited(peer, alice, network)
    to_tag = peer.tag
    peer.send(peer.request("ACK", to_tag=to_tag), alice)
    peer.send(peer.request("OPTIONS", to_tag=to_tag, sequence=5), alice)
    peer.send(peer.request("OPTIONS", to_tag=to_tag, sequence=4), alice)
    network.run(0.1)
    assert sorted(peer.statuses[2:]) == [200, 500]


def test_nobody_else_ends_a_call(network: Network, alice: Agent, peer: RawPeer) -> None:
    call = invited(peer, alice, network)
    forged = ("From", "<sip:peer@192.0.2.9>;tag=forged")
    peer.send(peer.request("BYE", forged, to_tag=peer.tag, sequence=2), alice)
    network.run(0.1)
    assert 481 in peer.statuses
    assert not call.endings


def register(
    peer: RawPeer, alice: Agent, call: str, host: str = "192.0.2.9", sequence: int = 1
) -> None:
    data = peer.request("REGISTER", ("Call-ID", call), uri="sip:192.0.2.1", sequence=sequence)
    alice.receive(data, Flow(EDGE, SipTransport.UDP, (host, 5060)))


def test_transactions_are_bounded(
    alice: Agent, peer: RawPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("transceiver.sip.transactions.quota.MAX_OF_ALL", 3)
    for number in range(5):
        register(peer, alice, f"{number}")
    assert alice.unheard == [Unheard.OVERLOADED] * 2


def test_no_call_and_no_source_takes_the_transactions_of_others(
    network: Network, alice: Agent, peer: RawPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("transceiver.sip.transactions.quota.MAX_OF_ONE_SOURCE", 6)
    monkeypatch.setattr("transceiver.sip.transactions.quota.MAX_OF_ONE_CALL", 4)
    for sequence in range(5):
        register(peer, alice, "one", sequence=sequence)
    assert alice.unheard == [Unheard.OVERLOADED]
    for number in range(3):
        register(peer, alice, f"{number}")
    assert alice.unheard == [Unheard.OVERLOADED] * 2
    register(peer, alice, "another", "192.0.2.10")
    assert len(alice.unheard) == 2
    network.run(60)
    assert alice.sip.transaction_count == 0
    register(peer, alice, "one")
    assert len(alice.unheard) == 2


@pytest.mark.parametrize(
    ("method", "fields"),
    [("OPTIONS", ()), ("INFO", ()), ("FOO", ()), ("INVITE", (("Require", "telepathy"),))],
)
def test_nothing_is_kept_of_what_begins_nothing(
    alice: Agent, peer: RawPeer, method: str, fields: tuple[tuple[str, str], ...]
) -> None:
    data = peer.request(method, *fields)
    peer.send(data, alice)
    peer.send(data, alice)
    assert alice.sip.transaction_count == 0


def test_a_defect_leaves_nothing_unanswered_and_nothing_behind(
    network: Network, alice: Agent, peer: RawPeer
) -> None:
    def defect(*_: object) -> NoReturn:
        raise KeyError("defect")

    handler = peer.call(alice)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(alice, "invited", defect)
        with pytest.raises(KeyError):
            peer.send(peer.request("INVITE", ("Call-ID", "other"), body="offer"), alice)
        patch.setattr(handler, "dtmf", defect)
        info = ("Content-Type", "application/dtmf")
        with pytest.raises(KeyError):
            peer.send(
                peer.request("INFO", info, to_tag=peer.tag, sequence=2, body="1"),
                alice,
            )
    network.run(60)
    assert 500 in peer.statuses
    handler.call.hang_up()
    network.run(200)
    assert (alice.sip.session_count, alice.sip.transaction_count) == (0, 0)
    assert alice.sip.due_at == float("inf")
