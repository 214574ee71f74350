"""Where requests within a dialog go."""

from collections.abc import Callable

import pytest
from sipmessage import URI

from tests.transceiver.sip.agents import EDGE
from transceiver.sip.dialog_path import DialogPath
from transceiver.sip.flow import Flow, SipTransport
from transceiver.sip.next_hop import NextHop

UDP = Flow(EDGE, SipTransport.UDP, ("9.9.9.9", 5060))
MAPPED = Flow(EDGE, SipTransport.UDP, ("::ffff:9.9.9.9", 5060))
"""As a socket for both IPv6 and IPv4 tells it."""
TLS = Flow(EDGE, SipTransport.TLS, ("9.9.9.9", 40000), connection=3)


def path(
    target: str,
    *routes: str,
    flow: Flow | NextHop = UDP,
    phone: bool = False,
    may_reach: Callable[[URI], bool] = lambda _uri: True,
) -> DialogPath:
    return DialogPath(target, routes, flow, keeps_hop=phone, may_reach=may_reach)


def nobody(_uri: URI) -> bool:
    return False


@pytest.mark.parametrize(
    "way",
    [
        path("sip:a@127.0.0.1:6379;transport=tcp", may_reach=nobody),
        path("sip:a@internal.example", may_reach=nobody),
        path("sip:a@9.9.9.9", "<sip:169.254.169.254:80;lr;transport=tcp>", may_reach=nobody),
        path("sip:a@8.8.4.4", flow=NextHop.of(URI.parse("sip:trunk.example")), may_reach=nobody),
        path("sip:a@9.9.9.9:5080;maddr=8.8.4.4", may_reach=nobody),
        path("sip:a@8.8.8.8;maddr=8.8.4.4"),
    ],
)
def test_nobody_is_sent_to_whom_the_operator_does_not_know(way: DialogPath) -> None:
    assert way.next_hop() == way.hop
    if isinstance(way.hop, Flow):
        assert way.without(way.hop) == way


@pytest.mark.parametrize(
    ("target", "flow"),
    [
        ("sip:a@9.9.9.9:5080", UDP),
        ("sip:a@trunk.example:5080", NextHop.of(URI.parse("sip:trunk.EXAMPLE;transport=tcp"))),
    ],
)
def test_who_is_spoken_to_has_other_ports(target: str, flow: Flow | NextHop) -> None:
    way = path(target, flow=flow, may_reach=nobody)
    assert way.next_hop() == NextHop.of(URI.parse(target))


@pytest.mark.parametrize(
    "way",
    [
        path("sip:a@9.9.9.9"),
        path("sip:a@9.9.9.9:5060"),
        path("sip:a@9.9.9.9", flow=MAPPED),
        path("sip:a@192.168.1.4"),
        path("sip:a@x7f.invalid;transport=ws"),
        path("sip:a@9.9.9.9:5061;transport=tls", flow=TLS),
        path("sip:a@sbc.example.com;transport=tls", flow=TLS),
        path("sip:a@8.8.4.4", phone=True),
        path("sip:a@8.8.4.4", "<sip:9.9.9.9;lr>"),
        path("tel:+49301234"),
        path("sip:a@192.168.1.4", flow=NextHop.of(URI.parse("sip:9.9.9.9"))),
        path("sip:a@9.9.9.9", flow=NextHop.of(URI.parse("sip:9.9.9.9;transport=tcp"))),
        path("sip:a@[2001:4860::8888]", flow=NextHop.of(URI.parse("sip:[2001:4860::8888]"))),
    ],
)
def test_the_flow_is_kept(way: DialogPath) -> None:
    assert way.next_hop() == way.hop


@pytest.mark.parametrize(
    ("way", "host", "transport"),
    [
        (path("sip:a@8.8.4.4:5080"), "8.8.4.4", SipTransport.UDP),
        (path("sip:a@9.9.9.9:5080"), "9.9.9.9", SipTransport.UDP),
        (path("sip:a@sbc.example.com"), "sbc.example.com", SipTransport.UDP),
        (path("sip:a@8.8.4.4;transport=tcp"), "8.8.4.4", SipTransport.TCP),
        (path("sips:a@8.8.4.4", flow=TLS), "8.8.4.4", SipTransport.TLS),
        (
            path("sip:a@10.1.1.1", "<sip:8.8.4.4;lr;transport=tcp>"),
            "8.8.4.4",
            SipTransport.TCP,
        ),
        (
            path("sip:a@8.8.4.4", flow=NextHop.of(URI.parse("sip:trunk.example.com"))),
            "8.8.4.4",
            SipTransport.UDP,
        ),
    ],
)
def test_somebody_else_is_located(way: DialogPath, host: str, transport: SipTransport) -> None:
    hop = way.next_hop()
    assert isinstance(hop, NextHop)
    assert (hop.uri.host, hop.transport) == (host, transport)


def test_routes_are_loose_or_strict() -> None:
    loose = path("sip:a@b.example.com", "<sip:one.example.com;lr>", "<sip:two.example.com>")
    assert loose.request_uri() == ("sip:a@b.example.com", loose.routes)
    strict = path("sip:a@b.example.com", "<sip:one.example.com>", "<sip:two.example.com;lr>")
    routes = ("<sip:two.example.com;lr>", "<sip:a@b.example.com>")
    assert strict.request_uri() == ("sip:one.example.com", routes)
    assert path("sip:a@b.example.com").request_uri() == ("sip:a@b.example.com", ())


def test_a_next_hop_says_its_transport() -> None:
    named = {
        "sip:a": SipTransport.UDP,
        "sip:a;transport=TCP": SipTransport.TCP,
        "sips:a": SipTransport.TLS,
        "sips:a;transport=ws": SipTransport.WSS,
    }
    for text, transport in named.items():
        assert NextHop.of(URI.parse(text)).transport is transport
    for text in ("tel:+49301234", "sip:a;transport=sctp"):
        with pytest.raises(ValueError, match=r"SIP|Sip"):
            NextHop.of(URI.parse(text))
