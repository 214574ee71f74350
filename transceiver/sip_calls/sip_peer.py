"""How the other end of a call by SIP is to be met: phones may be behind NAT, trunks are where
they say."""

from dataclasses import dataclass, field

from antiphon_proto.address import Address
from transceiver.sdp.agreed_media import MediaSecurity
from transceiver.sdp.own_offers import OfferedMedia
from transceiver.sdp.signalled_peer import is_behind_nat, offered_security, signalled_address
from transceiver.sip.flow import Flow, SipTransport
from transceiver.sip.gatekeeper import Caller


@dataclass(frozen=True, slots=True)
class SipPeer:
    """What is known of it before its media comes."""

    offered: OfferedMedia = field(default_factory=OfferedMedia)
    """What an offer of ours to it has."""
    leased_from: str | None = None
    """Behind NAT: the host that it comes from, for which a port is to be leased."""
    authenticates: bool = False
    """Whether its media proves whose it is, wherever it comes from."""


def calling_peer(caller: Caller, offer: str | None, flow: Flow) -> SipPeer:
    """Who calls with this SDP, or with none. Raises OfferError."""
    host = flow.remote[0]
    if offer is None:
        return SipPeer(_offered(flow.transport))
    signalled = signalled_address(offer)
    if caller.is_trunk or signalled is None or not is_behind_nat(signalled, host):
        return SipPeer()
    return SipPeer(leased_from=host, authenticates=offered_security(offer).encrypted)


def called_phone(contact: Address, flow: Flow) -> SipPeer:
    """A registered phone that says to be at `contact`, and whose signaling comes by `flow`."""
    offered, host = _offered(flow.transport), flow.remote[0]
    is_away = not offered.ice and is_behind_nat(contact, host)
    return SipPeer(offered, host if is_away else None, offered.security.encrypted)


def called_by_trunk(media: MediaSecurity) -> SipPeer:
    """Whoever the trunk leads to, by the media that it was configured with."""
    return SipPeer(OfferedMedia(media))


def _offered(transport: SipTransport) -> OfferedMedia:
    """What peers are offered that said nothing of it, by how they speak to us."""
    if transport in (SipTransport.WS, SipTransport.WSS):
        # A browser: https://www.rfc-editor.org/rfc/rfc8835
        return OfferedMedia(MediaSecurity.DTLS, ice=True)
    return OfferedMedia(MediaSecurity.SDES if transport.secure else MediaSecurity.NONE)
