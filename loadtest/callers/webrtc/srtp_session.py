"""SRTP of one call, by libsrtp, with the keys of its DTLS handshake.

https://www.rfc-editor.org/rfc/rfc5764, https://www.rfc-editor.org/rfc/rfc7714
"""

from dataclasses import dataclass, field

import pylibsrtp

REPLAY_WINDOW_PACKETS = 1024

_PROFILES = {
    b"SRTP_AEAD_AES_128_GCM": (pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_128_GCM, 16, 12),
    b"SRTP_AES128_CM_SHA1_80": (pylibsrtp.Policy.SRTP_PROFILE_AES128_CM_SHA1_80, 16, 14),
}
"""libsrtp's names, and how long key and salt are, by DTLS's names."""

OFFERED = b":".join(_PROFILES)


@dataclass(frozen=True, slots=True)
class SrtpKeys:
    """A profile of `OFFERED`, and key and salt each way."""

    profile: bytes
    send: bytes = field(repr=False)
    receive: bytes = field(repr=False)

    @classmethod
    def exported(cls, profile: bytes, material: bytes, *, client: bool) -> "SrtpKeys":
        """Cut what a handshake exported; `client` is our role in it.

        https://www.rfc-editor.org/rfc/rfc5764#section-4.2
        """
        _profile, key, salt = _PROFILES[profile]
        keys, salts = material[: 2 * key], material[2 * key :]
        ours, theirs = keys[:key] + salts[:salt], keys[key:] + salts[salt : 2 * salt]
        return cls(profile, ours, theirs) if client else cls(profile, theirs, ours)


def exported_bytes(profile: bytes) -> int:
    """How much a handshake must export for a profile."""
    _profile, key, salt = _PROFILES[profile]
    return 2 * (key + salt)


class SrtpSession:
    """Both ways. `unprotect` and `unprotect_rtcp` raise pylibsrtp.Error for forgeries."""

    def __init__(self, keys: SrtpKeys) -> None:
        sender = pylibsrtp.Session(_policy(keys, keys.send, pylibsrtp.Policy.SSRC_ANY_OUTBOUND))
        receiver = pylibsrtp.Session(_policy(keys, keys.receive, pylibsrtp.Policy.SSRC_ANY_INBOUND))
        self.protect, self.protect_rtcp = sender.protect, sender.protect_rtcp
        self.unprotect, self.unprotect_rtcp = receiver.unprotect, receiver.unprotect_rtcp


def is_replay(error: pylibsrtp.Error) -> bool:
    """Whether a packet is not accepted for having come before."""
    return "replay" in str(error)


def _policy(keys: SrtpKeys, key: bytes, ssrc_type: int) -> pylibsrtp.Policy:
    profile, _key, _salt = _PROFILES[keys.profile]
    policy = pylibsrtp.Policy(key=key, ssrc_type=ssrc_type, srtp_profile=profile)
    policy.window_size = REPLAY_WINDOW_PACKETS
    return policy
