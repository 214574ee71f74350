"""Why a datagram from or to a client went no further; each value is also a metric label."""

from enum import Enum


class DropReason(Enum):
    """Reasons on the path between the tunnel and a call."""

    NO_CALL = "no_call"
    """No call has this client address, or owns this ufrag."""
    OTHER_PROTOCOL = "other_protocol"
    """Neither STUN, DTLS, RTP nor RTCP (RFC 7983)."""
    STUN_MALFORMED = "stun_malformed"
    """A STUN message that does not parse."""
    EARLY_MEDIA = "early_media"
    """RTP or RTCP before the DTLS handshake gave its keys."""
    SRTP_AUTHENTICATION = "srtp_authentication"
    """SRTP or SRTCP that does not authenticate, or a replay."""
    REBINDING_REFUSED = "rebinding_refused"
    """RTP or RTCP from an unknown address that names a call's SSRC and is not from its client."""
    UNVALIDATED_ALLOWANCE = "unvalidated_allowance"
    """A datagram of ours, beyond three times what an unvalidated address has sent."""
    RTP_MALFORMED = "rtp_malformed"
    """An RTP packet that does not parse."""
    RTCP_MALFORMED = "rtcp_malformed"
    """An RTCP packet that does not parse."""
    ENGINE_NOT_READY = "engine_not_ready"
    """Audio before the engine told its sample rate."""
