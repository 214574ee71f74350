"""What responses repeat, and the way that they go."""

import pytest
from sipmessage import Request, Via

from tests.transceiver.sip.agents import EDGE, Agent, Network, RawPeer
from transceiver.sip.flow import Flow, SipTransport
from transceiver.sip.message import parse_message, top_via
from transceiver.sip.response_header import encode_response, mark_source, reply_flow
from transceiver.sip.status_phrase import status_phrase

UDP = Flow(EDGE, SipTransport.UDP, ("203.0.113.5", 40000))


def request(via: str, *fields: tuple[str, str]) -> Request:
    made = RawPeer(Network()).request("INVITE", ("Via", via), *fields)
    parsed = parse_message(made)
    assert isinstance(parsed, Request)
    return parsed


@pytest.mark.parametrize(
    ("via", "marked", "port"),
    [
        (
            "SIP/2.0/UDP 10.0.0.1:5070;rport;branch=z9hG4bK-%66'~",
            "SIP/2.0/UDP 10.0.0.1:5070;branch=z9hG4bK-%66'~;rport=40000;received=203.0.113.5",
            40000,
        ),
        (
            "SIP/2.0/UDP 203.0.113.5;branch=z9hG4bK1",
            "SIP/2.0/UDP 203.0.113.5;branch=z9hG4bK1",
            5060,
        ),
        (
            "SIP/2.0/UDP phone.example.com:5070;branch=z9hG4bK1;received=192.0.2.66",
            "SIP/2.0/UDP phone.example.com:5070;branch=z9hG4bK1;received=203.0.113.5",
            5070,
        ),
        (
            "SIP/2.0/UDP 203.0.113.5 ; rport ; branch=z9hG4bK1;reportx",
            "SIP/2.0/UDP 203.0.113.5 ; branch=z9hG4bK1;reportx;rport=40000;received=203.0.113.5",
            40000,
        ),
    ],
)
def test_a_response_finds_its_way(via: str, marked: str, port: int) -> None:
    asked = request(f"{via}, SIP/2.0/UDP first.example.com;branch=z9hG4bK0")
    way = reply_flow(top_via(asked.headers), UDP)
    assert way.remote == ("203.0.113.5", port)
    mark_source(asked, UDP)
    assert asked.headers.getlist("Via") == [marked, "SIP/2.0/UDP first.example.com;branch=z9hG4bK0"]
    assert Via.parse(marked)


def test_a_connection_is_answered_by_itself() -> None:
    flow = Flow(EDGE, SipTransport.TCP, ("203.0.113.5", 40000), connection=4)
    asked = request("SIP/2.0/TCP 10.0.0.1:5070;branch=z9hG4bK1")
    assert reply_flow(top_via(asked.headers), flow) == flow


def test_a_response_repeats_what_it_must() -> None:
    record = ("Record-Route", "<sip:proxy.example.com;lr>")
    asked = request("SIP/2.0/UDP a;branch=z9hG4bK1", record, ("Timestamp", "54"))
    trying = encode_response(asked, 100, "")
    assert b"\r\nTimestamp: 54\r\n" in trying
    assert b"tag=ours" not in trying
    accepted = encode_response(asked, 200, "ours", [("Contact", "<sip:us>")], b"body")
    assert b"\r\nTo: <sip:agent@192.0.2.1>;tag=ours\r\n" in accepted
    assert b"\r\nRecord-Route: <sip:proxy.example.com;lr>\r\n" in accepted
    assert accepted.endswith(b"\r\nContent-Length: 4\r\n\r\nbody")
    refused = encode_response(asked, 486, "ours")
    assert refused.startswith(b"SIP/2.0 486 Busy Here\r\n")
    assert b"Record-Route" not in refused


def test_a_tag_is_not_added_twice() -> None:
    asked = request("SIP/2.0/UDP a;branch=z9hG4bK1", ("To", "<sip:agent@192.0.2.1>;tag=ours"))
    assert encode_response(asked, 481, "other").count(b"tag=ours") == 1
    assert b"tag=other" not in encode_response(asked, 481, "other")


def test_every_status_has_a_phrase() -> None:
    assert all(status_phrase(status) for status in range(100, 700))


def test_requests_go_by_the_routes_of_proxies(
    network: Network, alice: Agent, peer: RawPeer
) -> None:
    near = RawPeer(network, "192.0.2.20")
    routes = ("Record-Route", "<sip:192.0.2.20;lr>, <sip:192.0.2.21;lr;x=%41>")
    call = peer.call(alice, routes, ("Contact", "<sip:p%65er@192.0.2.9;x=%41:b>"))
    call.call.hang_up()
    network.run(0.1)
    (bye,) = near.requests
    assert bye.headers.getlist("Route") == ["<sip:192.0.2.20;lr>", "<sip:192.0.2.21;lr;x=%41>"]
    # Byte by byte as it was told: some peers compare it so.
    byes = [each for each in network.sent if each.startswith(b"BYE")]
    assert byes[0].startswith(b"BYE sip:p%65er@192.0.2.9;x=%41:b SIP/2.0\r\n")


def test_the_routes_of_an_answer_are_reversed(
    network: Network, alice: Agent, peer: RawPeer
) -> None:
    near = RawPeer(network, "192.0.2.21")
    call = peer.called(
        alice, ("Record-Route", "<sip:192.0.2.20;lr>"), ("Record-Route", "<sip:192.0.2.21;lr>")
    )
    assert call.heard[-1] == "established"
    call.call.hang_up()
    network.run(0.1)
    assert [each.method for each in near.requests] == ["ACK", "BYE"]
    routes = ["<sip:192.0.2.21;lr>", "<sip:192.0.2.20;lr>"]
    assert near.requests[1].headers.getlist("Route") == routes
