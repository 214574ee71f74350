"""What offer and answer agreed on for a SIP call's media (RFC 3264)."""

import enum
from dataclasses import dataclass

from antiphon_proto.address import Address
from transceiver.audio.format import AudioFormat
from transceiver.fingerprint import Fingerprint
from transceiver.ice import IceCredentials
from transceiver.sdp.direction import Direction
from transceiver.srtp import SrtpKeys


class MediaSecurity(enum.Enum):
    """How the sound is protected; the value is the word for it in the configuration file."""

    NONE = "rtp"
    SDES = "sdes"
    """SRTP by keys in the SDP: https://www.rfc-editor.org/rfc/rfc4568"""
    DTLS = "dtls"
    """SRTP by keys of a DTLS handshake: https://www.rfc-editor.org/rfc/rfc5763"""

    @property
    def encrypted(self) -> bool:
        return self is not MediaSecurity.NONE


@dataclass(frozen=True, slots=True)
class AgreedIce:
    """Both sides' credentials, and what else an agent must know of the peer."""

    local: IceCredentials
    remote: IceCredentials
    controlling: bool
    """Whether we nominate."""
    candidates: tuple[Address, ...] = ()
    """Of a lite peer, the most wanted first, which we have to check of ourselves."""


@dataclass(frozen=True, slots=True)
class AgreedDtls:
    """Who the peer must prove to be, and which of us begins."""

    fingerprints: tuple[Fingerprint, ...]
    client: bool
    """Whether we take the DTLS client's role."""


@dataclass(frozen=True, slots=True)
class AgreedMedia:
    """Where the sound goes, how it is coded and protected, and which way it flows."""

    format: AudioFormat
    direction: Direction
    """Ours."""
    remote: Address | None
    """Where the peer wants its media, as signalled; None where it wants none (hold by
    0.0.0.0), and where ICE finds it."""
    remote_rtcp: Address | None
    """Where it wants its RTCP: `remote` itself where both are multiplexed, and None where it
    would be another ICE component or DTLS association, which we have not."""
    ice: AgreedIce | None = None
    keys: SrtpKeys | None = None
    """By SDES."""
    dtls: AgreedDtls | None = None
    sources: tuple[int, ...] = ()
    """The SSRCs that the peer named."""
    multiplexed: bool = True
    """Whether RTCP goes the same way as media."""
    codecs_open: bool = False
    """Whether the peer's answer left several codecs of ours open: another offer settles it."""

    @property
    def security(self) -> MediaSecurity:
        if self.dtls is not None:
            return MediaSecurity.DTLS
        return MediaSecurity.NONE if self.keys is None else MediaSecurity.SDES

    @property
    def reported(self) -> bool:
        """Whether RTCP can be sent at all."""
        return self.multiplexed or self.remote_rtcp is not None

    @property
    def held(self) -> bool:
        """Whether the peer takes nothing from us now."""
        return not self.direction.sends or (self.remote is None and self.ice is None)
