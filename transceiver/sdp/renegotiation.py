"""What a later offer may change of a call: https://www.rfc-editor.org/rfc/rfc3264#section-8

Which way the media flows, and where the client is (its ICE credentials). The DTLS
association, the formats and the sections stay; whoever wants other ones starts a new call.
"""

from dataclasses import replace

from transceiver.sdp.header_extension import HeaderExtension
from transceiver.sdp.offer import Offer
from transceiver.sdp.offer_error import OfferError, OfferFault


def renegotiated(first: Offer, later: Offer) -> Offer:
    """What to answer of `later`, in the call that `first` began. Raises OfferError."""
    if _sections(first) != _sections(later):
        _refuse(OfferFault.SECTIONS_CHANGED, "other m= lines, or a bundle of other ones")
    if set(first.fingerprints) != set(later.fingerprints):
        _refuse(OfferFault.TRANSPORT_CHANGED, "another DTLS fingerprint")
    if not later.role_open and later.dtls_client != first.dtls_client:
        _refuse(OfferFault.TRANSPORT_CHANGED, "another DTLS role in a=setup")
    if later.sctp_port != first.sctp_port:
        _refuse(OfferFault.TRANSPORT_CHANGED, "another a=sctp-port")
    if _payload_types(first) != _payload_types(later):
        _refuse(OfferFault.FORMAT_CHANGED, "another audio format, or another number for it")
    if any(_clash(one, other) for one in first.extensions for other in later.extensions):
        _refuse(OfferFault.FORMAT_CHANGED, "other numbers for RTP header extensions")
    feedback = first.format.transport_feedback and later.format.transport_feedback
    return replace(
        later,
        dtls_client=first.dtls_client,
        format=replace(first.format, transport_feedback=feedback),
        # A client that holds the call sends none, and may offer fewer.
        extensions=tuple(each for each in later.extensions if each in first.extensions),
    )


def _sections(offer: Offer) -> object:
    """All that says which m= line is which, and which of them share our transport."""
    lines = [(section.kind, section.mid) for section in offer.sections]
    return lines, offer.bundle, offer.audio, offer.data


def _payload_types(offer: Offer) -> object:
    audio = offer.format
    numbers = audio.payload_type, audio.red_payload_type, audio.comfort_noise_payload_type
    return audio.codec, numbers


def _clash(one: HeaderExtension, other: HeaderExtension) -> bool:
    """https://www.rfc-editor.org/rfc/rfc8285#section-7: a number keeps its meaning."""
    return (one.id == other.id) != (one.uri == other.uri)


def _refuse(fault: OfferFault, change: str) -> None:
    raise OfferError(fault, f"the offer has {change}; the call goes on as it was")
