"""SRTP and SRTCP protection of one session's media (RFC 3711, RFC 7714), by libsrtp."""

import enum
from dataclasses import dataclass, field

import pylibsrtp

REPLAY_WINDOW_PACKETS = 1024

MAX_SOURCES = 32
"""SSRCs accepted in one session: libsrtp keeps state for each, and searches it linearly."""


class SrtpFault(enum.Enum):
    """Why a packet could not be unprotected."""

    AUTHENTICATION = "authentication"
    REPLAY = "replay"
    TOO_MANY_SOURCES = "too_many_sources"
    MALFORMED = "malformed"


class SrtpError(ValueError):
    """A packet that is not from the peer, not new, or not SRTP at all."""

    def __init__(self, fault: SrtpFault) -> None:
        super().__init__(fault.value)
        self.fault = fault


class SrtpProfile(enum.Enum):
    """The protection profiles, most wanted first; the value is DTLS's name of it.

    https://www.rfc-editor.org/rfc/rfc5764#section-4.1.2, https://www.rfc-editor.org/rfc/rfc7714
    """

    AEAD_AES_128_GCM = "SRTP_AEAD_AES_128_GCM"
    AEAD_AES_256_GCM = "SRTP_AEAD_AES_256_GCM"
    AES128_CM_SHA1_80 = "SRTP_AES128_CM_SHA1_80"
    AES128_CM_SHA1_32 = "SRTP_AES128_CM_SHA1_32"
    """Tags of 32 bits, of media only: for peers that signal their keys and know no other."""

    @property
    def key_length(self) -> int:
        return 32 if self is SrtpProfile.AEAD_AES_256_GCM else 16

    @property
    def salt_length(self) -> int:
        return 14 if self in _COUNTER_MODE else 12


_COUNTER_MODE = (SrtpProfile.AES128_CM_SHA1_80, SrtpProfile.AES128_CM_SHA1_32)

DTLS_PROFILES = tuple(each for each in SrtpProfile if each is not SrtpProfile.AES128_CM_SHA1_32)
"""Those offered in a DTLS handshake."""

# Where the index of an SRTCP packet stands, from its end: before the tag of 10 bytes
# (https://www.rfc-editor.org/rfc/rfc3711#section-3.4), or last, with AEAD
# (https://www.rfc-editor.org/rfc/rfc7714#section-9.2). The bit above it says "encrypted".
_RTCP_INDEX_AT = {
    SrtpProfile.AEAD_AES_128_GCM: -4,
    SrtpProfile.AEAD_AES_256_GCM: -4,
    SrtpProfile.AES128_CM_SHA1_80: -14,
    # "the SRTCP authentication tag is 80 bits": https://www.rfc-editor.org/rfc/rfc4568#section-6.2.2
    SrtpProfile.AES128_CM_SHA1_32: -14,
}
_RTCP_INDEX_BITS = 0x7FFFFFFF
_SEQUENCES = 1 << 16


@dataclass(frozen=True, slots=True)
class SrtpKeys:
    """What the DTLS handshake agreed on: the profile, and master key + salt each way."""

    profile: SrtpProfile
    send: bytes = field(repr=False)
    receive: bytes = field(repr=False)


class SrtpSender:
    """Protects outgoing packets of any of our SSRCs."""

    def __init__(self, keys: SrtpKeys) -> None:
        policy = _policy(keys.profile, keys.send, pylibsrtp.Policy.SSRC_ANY_OUTBOUND)
        self._session = pylibsrtp.Session(policy)

    def protect(self, packet: bytes) -> bytes:
        return self._session.protect(packet)

    def protect_rtcp(self, packet: bytes) -> bytes:
        return self._session.protect_rtcp(packet)


class SrtpReceiver:
    """Authenticates and decrypts incoming packets; each is accepted once."""

    authenticates = True

    newest: bool
    """Whether the packet accepted last is ahead of every one before it of its source and kind."""

    first: bool
    """Whether it is the first of them."""

    def __init__(self, keys: SrtpKeys) -> None:
        policy = _policy(keys.profile, keys.receive, pylibsrtp.Policy.SSRC_ANY_INBOUND)
        policy.window_size = REPLAY_WINDOW_PACKETS
        self._session = pylibsrtp.Session(policy)
        self._rtcp_index_at = _RTCP_INDEX_AT[keys.profile]
        self._sources: set[bytes] = set()
        self._sequences: dict[bytes, int] = {}
        self._rtcp_indexes: dict[bytes, int] = {}
        self.newest = self.first = False

    def unprotect(self, packet: bytes) -> bytes:
        """The RTP packet inside. Raises SrtpError."""
        source = self._known_or_room(packet[8:12])
        try:
            plain = self._session.unprotect(packet)
        except (pylibsrtp.Error, ValueError) as error:
            raise SrtpError(_fault(error)) from error
        self._sources.add(source)
        self._note_sequence(source, packet[2] << 8 | packet[3])
        return plain

    def unprotect_rtcp(self, packet: bytes) -> bytes:
        """The compound RTCP packet inside. Raises SrtpError."""
        source = self._known_or_room(packet[4:8])
        try:
            plain = self._session.unprotect_rtcp(packet)
        except (pylibsrtp.Error, ValueError) as error:
            raise SrtpError(_fault(error)) from error
        self._sources.add(source)
        self._note_rtcp_index(source, packet)
        return plain

    def _note_sequence(self, source: bytes, sequence: int) -> None:
        """Compare modulo 2^16, as SRTP does to find a packet's index."""
        highest = self._sequences.get(source)
        self.first = highest is None
        self.newest = highest is None or 0 < (sequence - highest) % _SEQUENCES < _SEQUENCES // 2
        if self.newest:
            self._sequences[source] = sequence

    def _note_rtcp_index(self, source: bytes, packet: bytes) -> None:
        at = self._rtcp_index_at
        index = int.from_bytes(packet[at : at + 4 or None], "big") & _RTCP_INDEX_BITS
        self.first = source not in self._rtcp_indexes
        self.newest = self.first or index > self._rtcp_indexes[source]
        if self.newest:
            self._rtcp_indexes[source] = index

    def _known_or_room(self, source: bytes) -> bytes:
        if len(self._sources) >= MAX_SOURCES and source not in self._sources:
            raise SrtpError(SrtpFault.TOO_MANY_SOURCES)
        return source


def _policy(profile: SrtpProfile, key: bytes, ssrc_type: int) -> pylibsrtp.Policy:
    library_profile = {
        SrtpProfile.AEAD_AES_128_GCM: pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_128_GCM,
        SrtpProfile.AEAD_AES_256_GCM: pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_256_GCM,
        SrtpProfile.AES128_CM_SHA1_80: pylibsrtp.Policy.SRTP_PROFILE_AES128_CM_SHA1_80,
        SrtpProfile.AES128_CM_SHA1_32: pylibsrtp.Policy.SRTP_PROFILE_AES128_CM_SHA1_32,
    }[profile]
    return pylibsrtp.Policy(key=key, ssrc_type=ssrc_type, srtp_profile=library_profile)


def _fault(error: Exception) -> SrtpFault:
    text = str(error)
    if "authentication" in text or "cipher" in text:
        return SrtpFault.AUTHENTICATION
    if "replay" in text or "too old" in text:
        return SrtpFault.REPLAY
    return SrtpFault.MALFORMED
