"""The ICE and DTLS attributes of the section that stands for a bundle (RFC 8839, RFC 8842)."""

import re

from transceiver.fingerprint import DIGEST_BYTES, Fingerprint, FingerprintError
from transceiver.ice import IceCredentials
from transceiver.sdp.description import MediaSection
from transceiver.sdp.offer_error import OfferError, OfferFault

# https://www.rfc-editor.org/rfc/rfc8839#section-5.4
_ICE_UFRAG = re.compile(r"[0-9A-Za-z+/]{4,256}")
_ICE_PASSWORD = re.compile(r"[0-9A-Za-z+/]{22,256}")

_SETUPS = ("actpass", "active", "passive")


def transport_section(accepted: list[MediaSection], bundle: tuple[str, ...]) -> MediaSection:
    """The section whose ICE and DTLS attributes count.

    It is the first accepted one of the BUNDLE group
    (https://www.rfc-editor.org/rfc/rfc9143#section-7.3.1).
    """
    for section in accepted:
        if bundle and section.mid == bundle[0]:
            return section
    return accepted[0]


def ice_credentials(section: MediaSection) -> IceCredentials:
    """Raises OfferError."""
    ufrag, password = section.first("ice-ufrag") or "", section.first("ice-pwd") or ""
    if not (_ICE_UFRAG.fullmatch(ufrag) and _ICE_PASSWORD.fullmatch(password)):
        reason = "the offer lacks a valid ice-ufrag or ice-pwd"
        raise OfferError(OfferFault.NO_ICE_CREDENTIALS, reason)
    return IceCredentials(ufrag, password)


def dtls_client(section: MediaSection) -> bool:
    """Whether we take the client's role: if we may, for the handshake then leaves with
    the first check. Raises OfferError.
    """
    setup = section.first("setup")
    if setup is None:
        raise OfferError(OfferFault.NO_SETUP, "the offer lacks a=setup")
    if setup not in _SETUPS:
        raise OfferError(OfferFault.MALFORMED, "the offer's a=setup is none that starts a call")
    return setup != "active"


def fingerprints(section: MediaSection) -> tuple[Fingerprint, ...]:
    """Those by hash functions that we accept. Raises OfferError."""
    values = (value.partition(" ") for value in section.all("fingerprint"))
    try:
        found = tuple(
            Fingerprint.parse(algorithm, digest.strip())
            for algorithm, _, digest in values
            if algorithm.lower() in DIGEST_BYTES
        )
    except FingerprintError as error:
        raise OfferError(OfferFault.NO_FINGERPRINT, str(error)) from error
    if not found:
        raise OfferError(OfferFault.NO_FINGERPRINT, "the offer lacks a SHA-2 a=fingerprint")
    return found
