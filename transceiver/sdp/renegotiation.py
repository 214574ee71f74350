"""What a later offer may change of a call: https://www.rfc-editor.org/rfc/rfc3264#section-8

Which way the media flows, and where the client is (its ICE credentials). The DTLS
association, the formats and the sections stay; whoever wants other ones starts a new call.
"""

from dataclasses import replace

from transceiver.sdp.offer import Offer
from transceiver.sdp.offer_error import OfferError, OfferFault


def renegotiated(current: Offer, new: Offer) -> Offer:
    """What to answer `new` by, in the call that `current` is of. Raises OfferError."""
    if _sections(current) != _sections(new):
        _refuse(OfferFault.SECTIONS_CHANGED, "other m= lines, or a bundle of other ones")
    if set(current.fingerprints) != set(new.fingerprints):
        _refuse(OfferFault.TRANSPORT_CHANGED, "another DTLS fingerprint")
    if not new.role_open and new.dtls_client != current.dtls_client:
        _refuse(OfferFault.TRANSPORT_CHANGED, "another DTLS role in a=setup")
    if new.sctp_port != current.sctp_port:
        _refuse(OfferFault.TRANSPORT_CHANGED, "another a=sctp-port")
    if (new.format, new.extensions) != (current.format, current.extensions):
        _refuse(OfferFault.FORMAT_CHANGED, "another audio format, or another number for it")
    _check_restart(current, new)
    return replace(new, dtls_client=current.dtls_client)


def _sections(offer: Offer) -> object:
    """All that says which m= line is which, and which of them share our transport."""
    lines = [(section.kind, section.mid) for section in offer.sections]
    return lines, offer.bundle, offer.audio, offer.data


def _check_restart(current: Offer, new: Offer) -> None:
    """A restart changes both: https://www.rfc-editor.org/rfc/rfc8839#section-4.4.3"""
    same_ufrag = new.ice.ufrag == current.ice.ufrag
    if same_ufrag != (new.ice.password == current.ice.password):
        _refuse(OfferFault.HALF_RESTARTED, "only one of another ice-ufrag and ice-pwd")


def _refuse(fault: OfferFault, change: str) -> None:
    raise OfferError(fault, f"the offer has {change}; the call goes on as it was")
