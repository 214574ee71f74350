"""Where a peer's SDP says that it is, and where nobody has us send."""

import pytest

from antiphon_proto.address import Address
from tests.transceiver.sdp.sip_offers import offer
from transceiver.sdp import OfferError, OfferFault
from transceiver.sdp.description import MediaSection, SessionDescription
from transceiver.sdp.media_address import check_reachable, media_address, rtcp_address


def audio(text: str) -> MediaSection:
    return SessionDescription.parse(text).sections[0]


def test_the_sections_own_connection_goes_before_the_sessions() -> None:
    assert media_address(audio(offer())) == ("192.0.2.7", 40000)
    assert media_address(audio(offer("c=IN IP4 198.51.100.1"))) == ("198.51.100.1", 40000)


def test_an_ipv6_address_is_written_as_sockets_write_it() -> None:
    assert media_address(audio(offer("c=IN IP6 2001:DB8:0::7"))) == ("2001:db8::7", 40000)


@pytest.mark.parametrize("nowhere", ["c=IN IP4 0.0.0.0", "c=IN IP6 ::"])
def test_an_unspecified_address_wants_nothing(nowhere: str) -> None:
    assert media_address(audio(offer(nowhere))) is None
    assert rtcp_address(audio(offer(nowhere))) is None


@pytest.mark.parametrize(
    ("attributes", "address"),
    [
        ((), ("192.0.2.7", 40001)),
        (("a=rtcp-mux",), ("192.0.2.7", 40000)),
        (("a=rtcp:40077",), ("192.0.2.7", 40077)),
        (("a=rtcp:40077 IN IP4 192.0.2.8",), ("192.0.2.8", 40077)),
        (("a=rtcp:40077 IN IP4 0.0.0.0",), ("192.0.2.7", 40077)),
        (("a=rtcp:40077", "a=rtcp-mux"), ("192.0.2.7", 40000)),
        (("a=rtcp:x",), ("192.0.2.7", 40001)),
    ],
)
def test_rtcp_goes_where_it_is_wanted(attributes: tuple[str, ...], address: Address) -> None:
    assert rtcp_address(audio(offer(*attributes))) == address


@pytest.mark.parametrize(
    "text",
    [
        offer("c=IN IP4 phone.example.com"),
        offer("c=IN IP4"),
        offer("c=ATM NSAP 1"),
        offer("c=IN IP6 fe80::1%eth0"),
        offer(media="m=audio 80 RTP/AVP 0"),
        offer().replace("c=IN IP4 192.0.2.7\r\n", ""),
    ],
)
def test_what_is_no_address_of_media_is_refused(text: str) -> None:
    with pytest.raises(OfferError) as refused:
        media_address(audio(text))
    assert refused.value.fault is OfferFault.NO_ADDRESS


@pytest.mark.parametrize("text", [offer("a=rtcp:53"), offer(media="m=audio 65535 RTP/AVP 0")])
def test_nor_is_rtcp_sent_to_a_well_known_port_or_none(text: str) -> None:
    with pytest.raises(OfferError):
        rtcp_address(audio(text))


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        (("224.0.0.1", 40000), ("203.0.113.1", 3478)),
        (("255.255.255.255", 40000), ("203.0.113.1", 3478)),
        (("127.0.0.1", 40000), ("203.0.113.1", 3478)),
        (("203.0.113.1", 3478), ("203.0.113.1", 3478)),
        (("2001:db8::7", 40000), ("203.0.113.1", 3478)),
        (("192.0.2.7", 40000), ("2001:db8::1", 3478)),
        (("ff02::1", 40000), ("2001:db8::1", 3478)),
        (("::1", 40000), ("2001:db8::1", 3478)),
    ],
)
def test_groups_ourselves_and_the_other_family_are_out_of_reach(
    theirs: Address, ours: Address
) -> None:
    with pytest.raises(OfferError) as refused:
        check_reachable(theirs, ours)
    assert refused.value.fault is OfferFault.NO_ADDRESS


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        (("192.0.2.7", 40000), ("203.0.113.1", 3478)),
        (("10.0.0.7", 40000), ("203.0.113.1", 3478)),
        (("127.0.0.1", 40000), ("127.0.0.1", 3478)),
        (("2001:db8::7", 40000), ("2001:db8::1", 3478)),
    ],
)
def test_others_are_not(theirs: Address, ours: Address) -> None:
    check_reachable(theirs, ours)
