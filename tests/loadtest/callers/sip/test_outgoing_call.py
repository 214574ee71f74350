"""A call and its far side, over a network that is handed from one to the other by hand."""

import itertools

import pytest
from sipmessage import CSeq, Message, Request, Response

from loadtest.callers.address import Address
from loadtest.callers.sip.digest import Credentials
from loadtest.callers.sip.outgoing_call import CallEnd, CallState, OutgoingCall
from loadtest.callers.sip.requests import CallIdentity
from loadtest.measures.names import Failure

SERVER = ("192.0.2.1", 5060)
OWNER = ("192.0.2.7", 5070)
"""Who took the call, by Contact."""
OFFER, ANSWER = b"v=0\r\noffer\r\n", b"v=0\r\nanswer\r\n"
CHALLENGE = 'Digest realm="r", nonce="n", algorithm=MD5, qop="auth"'


class Line:
    """The far side: what reached it, and how it answers."""

    def __init__(self, credentials: Credentials | None = None) -> None:
        tokens = itertools.count()
        identity = CallIdentity("agent", SERVER, "caller", ("198.51.100.2", 4000), "id", "ours")
        self.call = OutgoingCall(
            identity, SERVER, OFFER, credentials, lambda: f"t{next(tokens)}", 0.0
        )
        self.now = 0.0

    def sent(self) -> list[tuple[Message, Address]]:
        return [(Message.parse(data), to) for data, to in self.call.take_datagrams()]

    def request(self, method: str) -> Request:
        """The one thing that was sent."""
        [(request, _)] = self.sent()
        assert isinstance(request, Request)
        assert request.method == method
        return request

    def answer(self, request: Request, code: int, body: bytes = b"", **headers: str) -> None:
        response = Response(code, "Some Phrase", body)
        for name in ("Via", "From", "Call-ID", "CSeq"):
            response.headers.setlist(name, request.headers.getlist(name))
        response.headers.set("To", request.headers["To"].partition(";")[0] + ";tag=theirs")
        if 200 <= code < 300:
            response.headers.set("Contact", f"<sip:owner@{OWNER[0]}:{OWNER[1]};x=1>")
        for name, value in headers.items():
            response.headers.set(name.replace("_", "-"), value)
        self.receive(response)

    def receive(self, message: Message) -> None:
        self.call.receive(Message.parse(bytes(message)), SERVER, self.now)

    def say(self, method: str) -> None:
        request = Request(method, self.invite.uri)
        for name in ("Call-ID", "Max-Forwards"):
            request.headers.set(name, self.invite.headers[name])
        request.headers.add("Via", "SIP/2.0/UDP 192.0.2.7:5070;branch=z9hG4bKtheirs")
        request.headers.set("From", self.invite.headers["To"] + ";tag=theirs")
        request.headers.set("To", self.invite.headers["From"])
        request.headers.set("Reason", 'Q.850;cause=16;text="done"')
        request.cseq = CSeq(1, method)
        self.receive(request)

    def take_up(self) -> None:
        self.invite = self.request("INVITE")
        self.answer(self.invite, 100)
        self.answer(self.invite, 200, ANSWER)

    def wait(self) -> None:
        """Until there is something to do."""
        assert self.call.next_at is not None
        self.now = self.call.next_at
        self.call.tick(self.now)


def test_a_call_is_taken_and_ended() -> None:
    line = Line()
    line.take_up()
    assert (line.call.state, line.call.answer) == (CallState.UP, ANSWER)
    [(ack, to)] = line.sent()
    assert isinstance(ack, Request)
    assert (ack.method, str(ack.uri), to) == ("ACK", "sip:owner@192.0.2.7:5070;x=1", OWNER)
    assert str(ack.cseq) == "1 ACK"
    assert ack.headers["To"].endswith(";tag=theirs")
    assert line.call.next_at is None
    line.call.hang_up(1.0)
    bye = line.request("BYE")
    assert (str(bye.cseq), str(bye.uri)) == ("2 BYE", "sip:owner@192.0.2.7:5070;x=1")
    line.answer(bye, 200)
    assert (line.call.state, line.call.end) == (CallState.OVER, None)


def test_an_invite_has_what_it_must_have() -> None:
    invite = Line().request("INVITE")
    assert str(invite.uri) == "sip:agent@192.0.2.1:5060"
    assert invite.headers["From"] == "<sip:caller@192.0.2.1>;tag=ours"
    assert invite.headers["Contact"] == "<sip:caller@198.51.100.2:4000>"
    assert (str(invite.content_type), invite.content_length) == ("application/sdp", len(OFFER))
    assert invite.body == OFFER
    assert str(invite.via[0]) == "SIP/2.0/UDP 198.51.100.2:4000;rport;branch=z9hG4bKt0"


def test_requests_go_by_the_routes_that_were_recorded() -> None:
    line = Line()
    line.invite = line.request("INVITE")
    routes = "<sip:192.0.2.30:5080;lr>, <sip:192.0.2.20;lr>"
    line.answer(line.invite, 200, ANSWER, Record_Route=routes)
    [(ack, to)] = line.sent()
    assert [str(each) for each in ack.route] == [
        "<sip:192.0.2.20;lr>",
        "<sip:192.0.2.30:5080;lr>",
    ]
    assert to == ("192.0.2.20", 5060)


def test_an_answer_that_is_repeated_is_acknowledged_again() -> None:
    line = Line()
    line.take_up()
    [(first, _)] = line.sent()
    line.answer(line.invite, 200, ANSWER)
    [(second, _)] = line.sent()
    assert bytes(first) == bytes(second)


def test_an_invite_is_repeated_until_it_rings() -> None:
    line = Line()
    first = line.request("INVITE")
    line.wait()
    assert bytes(line.request("INVITE")) == bytes(first)
    line.answer(first, 180)
    assert line.call.next_at is None


def test_nobody_answers() -> None:
    line = Line()
    while line.call.next_at is not None:
        line.wait()
    assert (line.call.state, line.now) == (CallState.OVER, 32.0)
    assert line.call.end == CallEnd(Failure.SIGNALING_TIMEOUT, "INVITE was not answered")


def test_a_refusal_is_acknowledged_in_its_transaction() -> None:
    line = Line()
    invite = line.request("INVITE")
    line.answer(invite, 486)
    ack = line.request("ACK")
    assert (str(ack.uri), ack.via) == (str(invite.uri), invite.via)
    assert line.call.end == CallEnd(Failure.REFUSED, "SIP 486 Some Phrase")
    assert line.call.next_at is None


@pytest.mark.parametrize(
    ("code", "challenged", "proves"),
    [
        (401, "WWW_Authenticate", "Authorization"),
        (407, "Proxy_Authenticate", "Proxy-Authorization"),
    ],
)
def test_who_is_asked_proves_who_it_is_once(code: int, challenged: str, proves: str) -> None:
    line = Line(Credentials("caller", "secret"))
    line.answer(line.request("INVITE"), code, **{challenged: CHALLENGE})
    [(ack, _), (proven, _)] = line.sent()
    assert isinstance(ack, Request)
    assert isinstance(proven, Request)
    assert (ack.method, proven.method, str(proven.cseq)) == ("ACK", "INVITE", "2 INVITE")
    assert 'username="caller"' in proven.headers[proves]
    assert "secret" not in str(proven.headers)
    line.answer(proven, code, **{challenged: CHALLENGE})
    assert line.call.end == CallEnd(Failure.REFUSED, f"SIP {code} Some Phrase")


def test_a_proof_is_taken() -> None:
    line = Line(Credentials("caller", "secret"))
    line.answer(line.request("INVITE"), 401, WWW_Authenticate=CHALLENGE)
    [_, (proven, _)] = line.sent()
    assert isinstance(proven, Request)
    line.answer(proven, 200, ANSWER)
    assert str(line.request("ACK").cseq) == "2 ACK"
    assert line.call.state is CallState.UP


def test_a_challenge_that_is_not_known_is_a_refusal() -> None:
    line = Line(Credentials("caller", "secret"))
    line.answer(line.request("INVITE"), 401, WWW_Authenticate="Basic realm=r")
    assert line.call.end is not None
    assert line.call.end.reason is Failure.REFUSED


def test_the_other_side_hangs_up() -> None:
    line = Line()
    line.take_up()
    line.sent()
    line.say("BYE")
    [(ok, to)] = line.sent()
    assert isinstance(ok, Response)
    assert (ok.code, to) == (200, SERVER)
    assert line.call.end is not None
    assert line.call.end.reason is Failure.ENDED_EARLY
    assert "cause=16" in line.call.end.detail


@pytest.mark.parametrize(
    ("method", "code", "body"),
    [("INVITE", 200, OFFER), ("OPTIONS", 200, OFFER), ("INFO", 405, b"")],
)
def test_requests_within_a_call_are_answered(method: str, code: int, body: bytes) -> None:
    line = Line()
    line.take_up()
    line.sent()
    line.say(method)
    [(answer, _)] = line.sent()
    assert isinstance(answer, Response)
    assert (answer.code, answer.body, str(answer.cseq)) == (code, body, f"1 {method}")
    assert line.call.state is CallState.UP


def test_who_hangs_up_while_it_rings_cancels() -> None:
    line = Line()
    invite = line.request("INVITE")
    line.answer(invite, 180)
    line.call.hang_up(1.0)
    cancel = line.request("CANCEL")
    assert (cancel.via, str(cancel.cseq)) == (invite.via, "1 CANCEL")
    line.answer(cancel, 200)
    line.answer(invite, 487)
    line.request("ACK")
    assert (line.call.state, line.call.end) == (CallState.OVER, None)


def test_a_cancel_waits_until_it_rings() -> None:
    line = Line()
    invite = line.request("INVITE")
    line.call.hang_up(0.1)
    assert line.sent() == []
    line.answer(invite, 100)
    line.request("CANCEL")


def test_a_call_that_is_taken_in_spite_of_a_cancel_is_ended() -> None:
    line = Line()
    invite = line.request("INVITE")
    line.answer(invite, 180)
    line.call.hang_up(1.0)
    line.request("CANCEL")
    line.answer(invite, 200, ANSWER)
    assert [m.method for m, _ in line.sent() if isinstance(m, Request)] == ["ACK", "BYE"]
    assert line.call.state is CallState.ENDING


def test_nobody_is_there_by_the_network_s_word() -> None:
    line = Line()
    line.call.unreachable("Connection refused")
    assert line.call.end == CallEnd(Failure.UNREACHABLE, "Connection refused")
    up = Line()
    up.take_up()
    up.call.unreachable("Connection refused")
    assert up.call.state is CallState.UP


def test_an_answer_without_a_contact_changes_nothing() -> None:
    line = Line()
    invite = line.request("INVITE")
    with pytest.raises(ValueError, match="Contact"):
        line.answer(invite, 200, ANSWER, Contact="")
    assert line.call.state is CallState.CALLING
