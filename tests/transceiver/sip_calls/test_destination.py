"""Whom calls by SIP go to: what the operator has set up, and nobody else."""

from dataclasses import replace

import pytest
from sipmessage import URI

from transceiver.sdp.agreed_media import MediaSecurity
from transceiver.signaling.calls import WantedCall, WantedCallError
from transceiver.sip.access import SipAccess
from transceiver.sip.flow import Flow, SipTransport
from transceiver.sip.phone_credentials import PhoneCredentials
from transceiver.sip.registrations import Binding
from transceiver.sip.sip_config import SipConfig
from transceiver.sip_calls.destination import Destination, destination

CARRIER = """
[[trunks]]
name = "carrier"
networks = ["203.0.113.0/24"]
uri = "sip:sip.carrier.example;transport=tls"
username = "4711"
password = "secret"
caller-id = "+15550100"
media = "sdes"
"""
OFFICE = """
[[trunks]]
name = "office"
networks = ["198.51.100.0/24"]
"""
PHONES = PhoneCredentials.parse(f"desk:antiphon:{'0' * 32}:{'0' * 64}\n")
FLOW = Flow(("127.0.0.1", 1), SipTransport.UDP, ("192.0.2.9", 5060))
BINDING = Binding("sip:desk@192.0.2.9:5060", FLOW, ("<sip:proxy;lr>",), 1e9)


def called(
    to: str,
    config: str = CARRIER + OFFICE,
    binding: Binding | None = BINDING,
    **wanted: str,
) -> Destination:
    access = SipAccess(SipConfig.parse(config), PHONES)
    bindings = [binding] if binding else []
    return destination(WantedCall(to, **wanted), access, lambda _user: bindings, "agent.example")


@pytest.mark.parametrize("to", ["+15550199", "tel:+15550199"])
def test_a_number_goes_to_the_only_trunk_that_calls_go_to(to: str) -> None:
    place = called(to)
    assert str(place.target) == "sip:+15550199@sip.carrier.example;transport=tls"
    assert str(place.hop) == "sip:sip.carrier.example;transport=tls"
    assert str(place.caller.uri) == "sip:+15550100@sip.carrier.example"
    assert place.peer.offered.security is MediaSecurity.SDES
    assert (place.payer.name, place.payer.is_trunk) == ("carrier", True)


@pytest.mark.parametrize("to", ["100", "*97", "#31#", "tel:+1-(555)-01.99", "sip:911@else.example"])
def test_numbers_may_have_keys_and_separators(to: str) -> None:
    assert called(to).payer.name == "carrier"


@pytest.mark.parametrize("to", ["dekc", "sip:bob@else.example", "sip:else.example", "1a", "+", "-"])
def test_what_is_no_number_goes_to_a_trunk_only_by_its_name(to: str) -> None:
    with pytest.raises(WantedCallError, match="number") as refused:
        called(to)
    assert refused.value.param == "sip.to"
    assert called(to, trunk="carrier").payer.name == "carrier"


def test_the_caller_may_be_said() -> None:
    assert called("+1", caller="+15550111").caller.uri.user == "+15550111"


def test_a_uri_goes_there_by_the_trunk() -> None:
    place = called("sip:bob@else.example", trunk="carrier")
    assert str(place.target) == "sip:bob@else.example"
    assert str(place.hop) == "sip:sip.carrier.example;transport=tls"


def test_a_trunks_own_host_is_called_there() -> None:
    place = called("sip:bob@198.51.100.7:5070;transport=tcp", trunk="office")
    assert str(place.hop) == "sip:198.51.100.7:5070;transport=tcp"
    assert str(place.target) == "sip:bob@198.51.100.7:5070;transport=tcp"
    assert str(place.caller.uri) == "sip:anonymous@agent.example"


@pytest.mark.parametrize("to", ["desk", "sip:desk@anything.example"])
def test_a_phone_is_called_where_it_is_registered(to: str) -> None:
    place = called(to)
    assert (str(place.target), place.hop) == ("sip:desk@192.0.2.9:5060", FLOW)
    assert place.headers == (("Route", "<sip:proxy;lr>"),)
    assert place.peer.leased_from is None
    assert (place.payer.name, place.payer.is_trunk) == ("desk", False)


def test_a_phone_behind_nat_gets_a_port_of_its_own() -> None:
    peer = called("desk", binding=replace(BINDING, contact="sip:desk@192.168.1.7:5060")).peer
    assert (peer.leased_from, peer.authenticates) == ("192.0.2.9", False)


def test_a_browser_is_offered_ice() -> None:
    flow = replace(FLOW, transport=SipTransport.WSS)
    binding = replace(BINDING, contact="sip:desk@x1.invalid;transport=ws", flow=flow)
    peer = called("desk", binding=binding).peer
    assert (peer.offered.security, peer.offered.ice) == (MediaSecurity.DTLS, True)
    assert peer.leased_from is None


@pytest.mark.parametrize(
    ("to", "wanted", "param"),
    [
        ("sip:b@203.0.113.300.x y", {}, "sip.to"),
        ("desk2", {"trunk": "nowhere"}, "sip.trunk"),
        ("+1555", {"trunk": "office"}, "sip.trunk"),
        ("sip:b@192.0.2.250", {"trunk": "office"}, "sip.trunk"),
        ("sip:b@198.51.100.7;maddr=127.0.0.1", {"trunk": "office"}, "sip.trunk"),
    ],
)
def test_nobody_else_is_called(to: str, wanted: dict[str, str], param: str) -> None:
    with pytest.raises(WantedCallError) as refused:
        called(to, **wanted)
    assert refused.value.param == param


def test_without_a_trunk_to_choose_only_phones_are_called() -> None:
    with pytest.raises(WantedCallError):
        called("+15550199", config=OFFICE)
    with pytest.raises(WantedCallError):
        called("sip:b@198.51.100.7", config=CARRIER + CARRIER.replace('"carrier"', '"other"'))


def test_a_phone_that_is_away_is_not_called() -> None:
    with pytest.raises(WantedCallError):
        called("desk", binding=None)


def test_a_uri_of_a_carrier_keeps_its_scheme() -> None:
    config = CARRIER.replace("sip:sip.carrier", "sips:sip.carrier")
    assert URI.parse(str(called("+1", config=config).target)).scheme == "sips"
