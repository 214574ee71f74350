"""A trunk: a carrier, a PBX or a proxy that calls come from and go to."""

from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network

from transceiver.sdp.agreed_media import MediaSecurity
from transceiver.signaling.api_keys import KeyLimits
from transceiver.sip.digest_client import Login


@dataclass(frozen=True, slots=True, kw_only=True)
class Trunk:
    """As the SIP configuration file has it."""

    name: str
    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    """Where its requests come from; from anywhere if there are none."""
    user: str | None = None
    """Its requests prove by digest to be this user's, who is in the credentials file."""
    uri: str | None = None
    """Where calls to it go (`sip:host;transport=tls`); without it none do."""
    login: Login | None = None
    """With which calls to it prove to be ours."""
    caller_id: str | None = None
    """Number or user of From in calls to it, unless the request says another one."""
    media: MediaSecurity = MediaSecurity.NONE
    """Of our offers to it; its own are answered as they come."""
    limits: KeyLimits = field(default_factory=KeyLimits)
    """What its calls, either way, may use of one worker."""
