"""What is seen of a peer by its offer alone."""

import pytest

from tests.transceiver.sdp.sip_offers import (
    BARESIP,
    BARESIP_DTLS_ICE,
    BARESIP_OPTIONAL_SRTP,
)
from transceiver.sdp import OfferError
from transceiver.sdp.agreed_media import MediaSecurity
from transceiver.sdp.signalled_peer import is_behind_nat, offered_security, signalled_address


def test_a_first_look_at_an_offer() -> None:
    assert signalled_address(BARESIP) == ("127.0.0.1", 44326)
    assert signalled_address(BARESIP_DTLS_ICE) is None
    assert signalled_address("nonsense") is None
    assert offered_security(BARESIP_OPTIONAL_SRTP) is MediaSecurity.SDES
    with pytest.raises(OfferError):
        offered_security("nonsense")


@pytest.mark.parametrize(
    ("signalled", "came_from", "behind"),
    [
        ("10.0.0.7", "8.8.8.8", True),
        ("10.0.0.7", "10.0.0.7", False),
        ("10.0.0.7", "192.168.1.1", True),
        ("100.64.0.7", "8.8.8.8", True),
        ("8.8.4.4", "8.8.8.8", False),
        ("8.8.8.8", "8.8.8.8", False),
    ],
)
def test_who_is_behind_nat(signalled: str, came_from: str, behind: bool) -> None:
    assert is_behind_nat((signalled, 40000), came_from) is behind
