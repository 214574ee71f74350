"""Certificate fingerprints as SDP carries them (RFC 8122)."""

import hashlib
import hmac
from dataclasses import dataclass

DIGEST_BYTES = {"sha-256": 32, "sha-384": 48, "sha-512": 64}
"""The hash functions accepted; RFC 8122 lists weaker ones."""


class FingerprintError(ValueError):
    """A fingerprint with an unaccepted hash function or a malformed value."""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """The hash of a DER certificate; `algorithm` is a key of `DIGEST_BYTES`."""

    algorithm: str
    digest: bytes

    @classmethod
    def parse(cls, algorithm: str, value: str) -> "Fingerprint":
        """Read the two parts of an `a=fingerprint` value. Raises FingerprintError."""
        algorithm = algorithm.lower()
        if algorithm not in DIGEST_BYTES:
            raise FingerprintError("the hash function of the fingerprint is not accepted")
        try:
            digest = bytes.fromhex(value.replace(":", ""))
        except ValueError as error:
            raise FingerprintError("the fingerprint is not hexadecimal") from error
        if len(digest) != DIGEST_BYTES[algorithm]:
            raise FingerprintError(f"the fingerprint is not a {algorithm} hash")
        return cls(algorithm, digest)

    @classmethod
    def of(cls, certificate_der: bytes, algorithm: str = "sha-256") -> "Fingerprint":
        digest = hashlib.new(algorithm.replace("-", ""), certificate_der).digest()
        return cls(algorithm, digest)

    def matches(self, certificate_der: bytes) -> bool:
        actual = Fingerprint.of(certificate_der, self.algorithm).digest
        return hmac.compare_digest(actual, self.digest)

    def __str__(self) -> str:
        """The value of an `a=fingerprint` attribute."""
        return f"{self.algorithm} {self.digest.hex(':').upper()}"
