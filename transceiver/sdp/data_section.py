"""The data channel section of an offer: https://www.rfc-editor.org/rfc/rfc8841"""

from transceiver.sdp.description import MediaSection
from transceiver.sdp.offer_error import OfferError, OfferFault
from transceiver.sdp.payload_formats import number

SCTP_PORT = 5000
DEFAULT_MAX_MESSAGE_BYTES = 65536
"""Where the offer says nothing: https://www.rfc-editor.org/rfc/rfc8841#section-6.1"""

_PROFILE = "UDP/DTLS/SCTP"
_FORMATS = ("webrtc-datachannel",)


def find_data(sections: tuple[MediaSection, ...], bundle: tuple[str, ...]) -> int | None:
    """The index of the data channel section in `bundle`, the audio's transport."""
    for index, section in enumerate(sections):
        is_data = section.profile == _PROFILE and section.formats == _FORMATS
        if is_data and section.wanted and section.mid in bundle:
            return index
    return None


def sctp_port(section: MediaSection) -> int:
    """Raises OfferError."""
    given = section.attributes.first("sctp-port")
    if given is None:
        return SCTP_PORT
    port = number(given)
    if port is None or not 0 < port <= 65535:
        raise OfferError(OfferFault.MALFORMED, "the offer's sctp-port is not a port")
    return port


def max_message_bytes(section: MediaSection) -> int:
    """The longest message that the client takes; 0 is any."""
    given = number(section.attributes.first("max-message-size"))
    return DEFAULT_MAX_MESSAGE_BYTES if given is None else given
