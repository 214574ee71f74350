import pytest

from chassis.host_port import HostPort
from transceiver.sip.advertised import Advertised, sip_host
from transceiver.sip.application import SentBy
from transceiver.sip.flow import SipTransport


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("sip.example", HostPort("sip.example", 0)),
        ("sip.example:5080", HostPort("sip.example", 5080)),
        ("192.0.2.7", HostPort("192.0.2.7", 0)),
        ("192.0.2.7:5080", HostPort("192.0.2.7", 5080)),
        ("2001:db8::7", HostPort("2001:db8::7", 0)),
        ("[2001:db8::7]:5080", HostPort("2001:db8::7", 5080)),
    ],
)
def test_a_name_or_an_address(text: str, address: HostPort) -> None:
    assert sip_host(text) == address


@pytest.mark.parametrize("text", ["", "0.0.0.0", "[::]:5060", "a b", "sip:host", "x:port", "-a"])
def test_what_no_peer_could_use(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected|port|IPv6"):
        sip_host(text)


def test_sent_by_is_as_a_uri_writes_it() -> None:
    advertised = Advertised("2001:db8::7", {SipTransport.UDP: 5060})
    assert advertised.sent_by(SipTransport.UDP) == SentBy("[2001:db8::7]", 5060)
    assert advertised.sent_by(SipTransport.TLS) == SentBy("[2001:db8::7]", None)
