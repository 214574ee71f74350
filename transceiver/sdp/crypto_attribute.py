"""SRTP keys in SDP: https://www.rfc-editor.org/rfc/rfc4568#section-9.1"""

import binascii
import re
from base64 import b64decode, b64encode
from dataclasses import dataclass, field

from transceiver.srtp import SrtpProfile

MAX_CRYPTOS = 16
"""Lines of one section that are read."""

# https://www.rfc-editor.org/rfc/rfc4568#section-6.2 and
# https://www.rfc-editor.org/rfc/rfc7714#section-14.2
_SUITES = {
    "AES_CM_128_HMAC_SHA1_80": SrtpProfile.AES128_CM_SHA1_80,
    "AES_CM_128_HMAC_SHA1_32": SrtpProfile.AES128_CM_SHA1_32,
    "AEAD_AES_128_GCM": SrtpProfile.AEAD_AES_128_GCM,
    "AEAD_AES_256_GCM": SrtpProfile.AEAD_AES_256_GCM,
}
_NAMES = {profile: name for name, profile in _SUITES.items()}

_CRYPTO = re.compile(
    r"(?P<tag>\d{1,9}) +(?P<suite>\w{1,64}) +inline:(?P<key>[0-9A-Za-z+/]{1,128}={0,2})"
    r"(?P<lifetime>\|(?:2\^)?\d{1,20})?(?P<parameters>(?: +\S+)*)",
    re.ASCII,
)
_HARMLESS = re.compile(r"WSH=\d+|-\S+", re.ASCII)
"""The replay window is ours to choose, and what begins with - may be passed over."""


@dataclass(frozen=True, slots=True)
class Crypto:
    """One way to protect what its sender sends; `key` is the master key and its salt."""

    tag: int
    profile: SrtpProfile
    key: bytes = field(repr=False)

    def __str__(self) -> str:
        """The value of an `a=crypto`."""
        return f"{self.tag} {_NAMES[self.profile]} inline:{b64encode(self.key).decode()}"


def read_cryptos(values: list[str]) -> tuple[Crypto, ...]:
    """Those that we can use, in their sender's order.

    Left out are unknown suites, more than one key, master key identifiers, and session
    parameters that would change what is protected.
    """
    found = map(_read, values[:MAX_CRYPTOS])
    return tuple(each for each in found if each is not None)


def _read(value: str) -> Crypto | None:
    match = _CRYPTO.fullmatch(value)
    profile = _SUITES.get(match["suite"].upper()) if match else None
    if match is None or profile is None:
        return None
    if not all(map(_HARMLESS.fullmatch, match["parameters"].split())):
        return None
    try:
        key = b64decode(match["key"], validate=True)
    except binascii.Error:
        return None
    if len(key) != profile.key_length + profile.salt_length:
        return None
    return Crypto(int(match["tag"]), profile, key)
