import pytest

from transceiver.sdp.offer_error import OfferError, OfferFault
from transceiver.sip.media_refusal import media_warning


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ("the peer's media", "the peer's media"),
        ('a "b" \\ c', "a ?b? ? c"),
        ("a\r\nVia: b\x00\x7f", "a??Via: b??"),
        ("zu spät", "zu sp?t"),
        ("x" * 1000, "x" * 200),
    ],
)
def test_a_warning_is_a_quoted_string_of_ascii(message: str, text: str) -> None:
    error = OfferError(OfferFault.MALFORMED, message)
    assert media_warning(error) == ("Warning", f'399 antiphon "{text}"')
