import pytest

from transceiver.fingerprint import DIGEST_BYTES, Fingerprint, FingerprintError

# From the offer of tests/vectors/offer_chromium156_audio_dc.sdp.
CHROMIUM = (
    "A8:50:F4:6E:42:02:7D:EF:9C:28:3A:BE:3E:0D:16:E5:"
    "54:77:49:25:83:B6:B0:D1:F4:00:65:7F:C3:94:B3:78"
)


def test_it_is_written_as_it_is_read() -> None:
    assert str(Fingerprint.parse("SHA-256", CHROMIUM.lower())) == f"sha-256 {CHROMIUM}"


@pytest.mark.parametrize("algorithm", DIGEST_BYTES)
def test_it_matches_its_certificate_alone(algorithm: str) -> None:
    fingerprint = Fingerprint.of(b"certificate", algorithm)
    assert len(fingerprint.digest) == DIGEST_BYTES[algorithm]
    assert fingerprint.matches(b"certificate")
    assert not fingerprint.matches(b"another")
    assert not fingerprint.matches(b"")


@pytest.mark.parametrize(
    ("algorithm", "value"),
    [
        ("sha-1", "AB:" * 19 + "AB"),
        ("md5", "AB"),
        ("sha-256", CHROMIUM[3:]),
        ("sha-512", CHROMIUM),
        ("sha-256", "not hexadecimal"),
        ("sha-256", ""),
    ],
)
def test_another_hash_or_a_malformed_value_is_refused(algorithm: str, value: str) -> None:
    with pytest.raises(FingerprintError):
        Fingerprint.parse(algorithm, value)
