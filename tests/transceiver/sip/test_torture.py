"""What becomes of the messages of RFC 4475, sent by a trunk and by somebody unknown."""

import pytest
from sipmessage import Request, Response, Via

from tests.transceiver.sip.agents import EDGE, Agent, Network
from tests.transceiver.sip.torture import torture_messages
from transceiver.sip.flow import Flow, SipTransport
from transceiver.sip.gatekeeper import Silence
from transceiver.sip.header_list import header_addresses, header_values
from transceiver.sip.message import MessageError, parse_message
from transceiver.sip.message_body import session_description
from transceiver.sip.user_agent import Unheard

MESSAGES = torture_messages()

DROPPED = 0
OUTCOMES = {
    "wsinv": 481,  # In a dialog that there is not.
    "intmeth": 501,
    "esc01": 200,
    "escnull": 200,
    "esc02": 501,
    "lwsdisp": 200,
    "longreq": 200,
    "dblreq": 200,
    "semiuri": 200,
    "transports": 200,
    "mpart01": 405,
    "unreason": DROPPED,
    "noreason": DROPPED,
    "badinv01": DROPPED,  # Its Via does not say where an answer would go.
    "clerr": 400,
    "ncl": 400,
    "scalar02": 400,
    "scalarlg": DROPPED,
    "quotbal": 400,
    "ltgtruri": 400,
    "lwsruri": 400,
    "lwsstart": 400,
    "trws": 200,  # "or to ignore the extra whitespace".
    "escruri": 400,
    "baddate": 200,  # Nobody here asks for the date.
    "regbadct": 200,  # A registrar's to refuse.
    "badaspec": 400,
    "baddn": 400,
    "badvers": DROPPED,  # Its Via is none of version 2.0.
    "mismatch01": 400,
    "mismatch02": 400,
    "bigcode": DROPPED,
    "badbranch": 200,
    "insuf": DROPPED,  # It does not say what an answer would have to repeat.
    "unkscm": 416,
    "novelsc": 416,
    "unksm2": 400,
    "bext01": 420,
    "invut": 415,
    "regaut01": 200,
    "multi01": 400,
    "mcl01": 400,
    "bcast": DROPPED,
    "zeromf": 200,  # It is at its end here.
    "cparam01": 200,
    "cparam02": 200,
    "regescrt": 200,
    "sdp01": 406,
    "inv2543": 200,
}
"""The final status; dropped are also responses, for nothing was asked."""

STRANGER = Flow(EDGE, SipTransport.UDP, ("192.0.2.200", 5060))

NOT_PARSED = {name for name, status in OUTCOMES.items() if status in (400, 416)} | {
    "badinv01",
    "scalarlg",
    "badvers",
    "bigcode",
    "insuf",
}


def test_every_message_is_there() -> None:
    assert MESSAGES.keys() == OUTCOMES.keys()


@pytest.mark.parametrize("name", OUTCOMES)
def test_a_trunk_gets_an_answer(network: Network, alice: Agent, name: str) -> None:
    alice.receive(MESSAGES[name], STRANGER)
    network.run(0.1)
    finals = [
        int(data.split(b" ")[1]) for data in network.sent if not data.startswith(b"SIP/2.0 1")
    ]
    assert finals == ([OUTCOMES[name]] if OUTCOMES[name] else [])
    assert len(alice.unheard) == (0 if finals else 1)
    alice.sip.hang_up_all()
    network.run(200)
    assert network.clock.idle


@pytest.mark.parametrize("name", OUTCOMES)
def test_somebody_unknown_gets_none(network: Network, alice: Agent, name: str) -> None:
    alice.verdict = Silence()
    alice.receive(MESSAGES[name], STRANGER)
    network.run(1)
    assert not network.sent
    assert alice.sip.transaction_count == 0
    assert len(alice.unheard) == 1
    assert isinstance(alice.unheard[0], Unheard)


@pytest.mark.parametrize("name", OUTCOMES)
def test_what_is_valid_is_parsed(name: str) -> None:
    if name not in NOT_PARSED:
        assert parse_message(MESSAGES[name])
        return
    with pytest.raises(MessageError):
        parse_message(MESSAGES[name])


def request(name: str) -> Request:
    message = parse_message(MESSAGES[name])
    assert isinstance(message, Request)
    return message


def test_wsinv_is_understood() -> None:
    message = request("wsinv")
    assert (message.method, message.uri.user) == ("INVITE", "vivekg")
    assert message.uri.parameters == {"unknownparam": None}
    assert message.to_address.parameters["tag"] == "1918181833n"
    assert message.from_address.parameters["tag"] == "98asjd8"
    assert (message.max_forwards, message.cseq.sequence) == (68, 9)
    vias = [Via.parse(value) for value in header_values(message.headers, "Via")]
    assert [each.transport for each in vias] == ["UDP", "TCP", "UDP"]
    assert vias[2].parameters["branch"] == "z9hG4bK30239"
    assert message.subject == ""
    assert message.headers["NewFangledHeader"] == "newfangled value continued newfangled value"
    assert message.headers["UnknownHeaderWithUnusualValue"] == ";;,,;;,;"
    (contact,) = header_addresses(message.headers, "Contact")
    assert contact.parameters == {"newparam": "newvalue", "secondparam": None, "q": "0.33"}
    assert len(message.body) == 150


def test_intmeth_is_understood() -> None:
    message = request("intmeth")
    assert message.method == "!interesting-Method0123456789_*+`.%indeed'~"
    assert message.uri.host == "example.com"
    assert message.uri.user == "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*"
    assert message.from_address.uri.user == "mundane"
    assert message.headers["Call-ID"].endswith('@word`~)(><:\\/"][?}{')


def test_esc01_is_understood() -> None:
    message = request("esc01")
    assert message.uri.user == "sips:user@example.com"
    assert message.to_address.uri.user == "user"
    assert message.from_address.uri.user == "I have spaces"
    (contact,) = header_addresses(message.headers, "Contact")
    assert contact.uri.user == "caller"
    assert contact.uri.parameters == {"lr": None, "name": "value%41"}
    assert session_description(message) is not None


def test_escnull_is_understood() -> None:
    contacts = header_addresses(request("escnull").headers, "Contact")
    assert [each.uri.user for each in contacts] == ["\0", "\0\0"]


def test_esc02_is_no_registration() -> None:
    message = request("esc02")
    assert message.method == "RE%47IST%45R"
    assert len(header_values(message.headers, "Contact")) == 2


def test_dblreq_is_one_request() -> None:
    message = request("dblreq")
    assert (message.method, message.body) == ("REGISTER", b"")


def test_semiuri_is_understood() -> None:
    assert request("semiuri").uri.user == "user;par=u@example.net"


def test_reasons_are_anything() -> None:
    phrases = []
    for name in ("unreason", "noreason"):
        message = parse_message(MESSAGES[name])
        assert isinstance(message, Response)
        phrases.append(message.phrase)
    assert phrases[0].startswith("= 2**3 * 5**2 но сто")
    assert phrases[1] == ""


def test_cparam_is_a_parameter_of_what_it_stands_in() -> None:
    (outside,) = header_addresses(request("cparam01").headers, "Contact")
    (inside,) = header_addresses(request("cparam02").headers, "Contact")
    assert (outside.parameters, outside.uri.parameters) == ({"unknownparam": None}, {})
    assert (inside.parameters, inside.uri.parameters) == ({}, {"unknownparam": None})
