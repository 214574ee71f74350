"""Where a peer without ICE wants its packets: `c=`, the port in `m=`, and `a=rtcp`.

https://www.rfc-editor.org/rfc/rfc8866#section-5.7 and https://www.rfc-editor.org/rfc/rfc3605
"""

import ipaddress

from antiphon_proto.address import Address
from transceiver.sdp.description import MediaSection
from transceiver.sdp.offer_error import OfferError, OfferFault
from transceiver.sdp.payload_formats import number

LEAST_PORT = 1024
"""Media has no business on well-known ports; somebody else's server does."""

_IP = ipaddress.IPv4Address | ipaddress.IPv6Address


def media_address(section: MediaSection) -> Address | None:
    """Where RTP goes; None where the peer wants none, by 0.0.0.0. Raises OfferError.

    https://www.rfc-editor.org/rfc/rfc3264#section-8.4
    """
    host = _host(section.connection)
    return None if host.is_unspecified else (str(host), _port(section.port))


def rtcp_address(section: MediaSection) -> Address | None:
    """Where RTCP goes, if not where RTP does. Raises OfferError."""
    at = media_address(section)
    if at is None or "rtcp-mux" in section.attributes:
        return at
    port, _, connection = (section.attributes.first("rtcp") or "").partition(" ")
    named = number(port)
    if named is None:
        return at[0], _port(at[1] + 1)
    host = _host(connection) if connection else None
    return (at[0] if host is None or host.is_unspecified else str(host)), _port(named)


def check_reachable(theirs: Address, ours: Address) -> None:
    """Whether media may go there from the relay's address. Raises OfferError.

    A peer must be of our address family, and no caller may have us send to a group, to
    ourselves, or into the relay's own host.
    """
    host, our_host = ipaddress.ip_address(theirs[0]), ipaddress.ip_address(ours[0])
    if host.version != our_host.version:
        raise _refusal(f"is of IPv{host.version}, and media is reached by IPv{our_host.version}")
    if host.is_multicast or host.is_unspecified or (host.version == 4 and host.is_reserved):
        raise _refusal("is none of a single host")
    if (host.is_loopback and not our_host.is_loopback) or theirs == ours:
        raise _refusal("is of the server's own host")


def parse_host(text: str) -> _IP | None:
    """An IP address in its usual form, without a zone; None for anything else."""
    try:
        host = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(host, ipaddress.IPv6Address):
        return None if host.scope_id else host.ipv4_mapped or host
    return host


def _host(connection: str | None) -> _IP:
    network, family, *rest = (connection or "").split() + [""] * 3
    host = parse_host(rest[0].partition("/")[0])
    if network != "IN" or family not in ("IP4", "IP6") or host is None:
        raise _refusal("is missing, or not an IP address")
    return host


def _port(port: int) -> int:
    if not LEAST_PORT <= port <= 0xFFFF:
        raise _refusal("has a port that media is not sent to")
    return port


def _refusal(why: str) -> OfferError:
    return OfferError(OfferFault.NO_ADDRESS, f"the address of the peer's media {why}")
