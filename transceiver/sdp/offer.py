"""What a call's SDP offer asks for."""

import re
from dataclasses import dataclass

from transceiver.audio.format import AudioFormat
from transceiver.fingerprint import Fingerprint
from transceiver.ice import IceCredentials
from transceiver.sdp.audio_section import MAX_SSRCS, find_audio
from transceiver.sdp.data_section import (
    DEFAULT_MAX_MESSAGE_BYTES,
    SCTP_PORT,
    find_data,
    max_message_bytes,
    sctp_port,
)
from transceiver.sdp.description import MediaSection, SessionDescription
from transceiver.sdp.direction import Direction
from transceiver.sdp.header_extension import HeaderExtension
from transceiver.sdp.offer_error import OfferError, OfferFault
from transceiver.sdp.transport_section import (
    dtls_client,
    fingerprints,
    ice_credentials,
    transport_section,
)

__all__ = ["MAX_OFFER_BYTES", "MAX_SSRCS", "Offer", "Section", "parse_offer"]

MAX_OFFER_BYTES = 64 * 1024

# https://www.rfc-editor.org/rfc/rfc8866#section-9
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`{|}~0-9A-Za-z]{1,64}")


@dataclass(frozen=True, slots=True)
class Section:
    """An `m=` line of the offer; `mid` is empty when it has none."""

    kind: str
    profile: str
    formats: str
    mid: str


@dataclass(frozen=True, slots=True)
class Offer:
    """What of an offer matters to us; `audio` and `data` are indexes into `sections`."""

    sections: tuple[Section, ...]
    bundle: tuple[str, ...]
    """The mids that we accept, in the order of the offer's BUNDLE group."""
    audio: int
    direction: Direction
    """The client's: see `Direction.mirrored`."""
    format: AudioFormat
    extensions: tuple[HeaderExtension, ...]
    """Those of `format.extensions`, as the answer repeats them."""
    ssrcs: tuple[int, ...]
    """The RTP sources that the audio section names, at most MAX_SSRCS; clients need not."""
    data: int | None
    sctp_port: int
    max_message_bytes: int
    """The longest message that the client takes; 0 is any."""
    ice: IceCredentials
    fingerprints: tuple[Fingerprint, ...]
    dtls_client: bool
    """Whether we take the DTLS client's role, `a=setup:active`."""
    role_open: bool
    """Whether the client leaves the role to us, `a=setup:actpass`."""


def parse_offer(text: str) -> Offer:
    """Read an offer from any WebRTC client. Raises OfferError."""
    if len(text) > MAX_OFFER_BYTES or len(text.encode(errors="replace")) > MAX_OFFER_BYTES:
        raise OfferError(OfferFault.TOO_LARGE, f"the offer is over {MAX_OFFER_BYTES} bytes")
    description = SessionDescription.parse(text)
    sections = description.sections
    check_mids(sections)
    if "ice-lite" in description.attributes:
        raise OfferError(OfferFault.ICE_LITE, "an ICE lite client cannot be reached")
    audio = find_audio(sections)
    group = find_bundle(description, sections[audio.index].mid)
    data = find_data(sections, group)
    accepted = [sections[index] for index in (audio.index, data) if index is not None]
    bundle = tuple(mid for mid in group if any(mid == section.mid for section in accepted))
    transport = transport_section(accepted, bundle)
    return Offer(
        sections=tuple(map(named_section, sections)),
        bundle=bundle,
        audio=audio.index,
        direction=sections[audio.index].direction,
        format=audio.format,
        extensions=audio.extensions,
        ssrcs=audio.ssrcs,
        data=data,
        sctp_port=SCTP_PORT if data is None else sctp_port(sections[data]),
        max_message_bytes=DEFAULT_MAX_MESSAGE_BYTES
        if data is None
        else max_message_bytes(sections[data]),
        ice=ice_credentials(transport),
        fingerprints=fingerprints(transport),
        dtls_client=dtls_client(transport),
        role_open=transport.first("setup") == "actpass",
    )


def check_mids(sections: tuple[MediaSection, ...]) -> None:
    """Raises OfferError."""
    mids = [section.mid for section in sections if section.mid]
    if len(set(mids)) != len(mids) or not all(map(_TOKEN.fullmatch, mids)):
        raise OfferError(OfferFault.MALFORMED, "the offer's mids are not unique tokens")


def find_bundle(description: SessionDescription, mid: str) -> tuple[str, ...]:
    """The mids that share a transport with `mid`; empty when it is in no BUNDLE group."""
    for mids in description.groups("BUNDLE"):
        if mid in mids:
            return tuple(dict.fromkeys(mids))
    return ()


def named_section(section: MediaSection) -> Section:
    """What the answer repeats of it."""
    return Section(section.kind, section.profile, " ".join(section.formats), section.mid)
