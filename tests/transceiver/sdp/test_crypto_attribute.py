"""SRTP keys in SDP, read and written."""

import base64

import pytest

from transceiver.sdp.crypto_attribute import MAX_CRYPTOS, Crypto, read_cryptos
from transceiver.srtp import SrtpProfile

KEY_30 = base64.b64encode(bytes(range(30))).decode()
KEY_28 = base64.b64encode(bytes(range(28))).decode()
KEY_44 = base64.b64encode(bytes(range(44))).decode()


def test_the_example_of_rfc_4568() -> None:
    """https://www.rfc-editor.org/rfc/rfc4568#section-4.1, but for its master key identifier."""
    line = "1 AES_CM_128_HMAC_SHA1_80 inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR|2^20"
    [crypto] = read_cryptos([line])
    assert crypto.tag == 1
    assert crypto.profile is SrtpProfile.AES128_CM_SHA1_80
    assert len(crypto.key) == 30


@pytest.mark.parametrize(
    ("suite", "key", "profile"),
    [
        ("AES_CM_128_HMAC_SHA1_80", KEY_30, SrtpProfile.AES128_CM_SHA1_80),
        ("AES_CM_128_HMAC_SHA1_32", KEY_30, SrtpProfile.AES128_CM_SHA1_32),
        ("AEAD_AES_128_GCM", KEY_28, SrtpProfile.AEAD_AES_128_GCM),
        ("AEAD_AES_256_GCM", KEY_44, SrtpProfile.AEAD_AES_256_GCM),
    ],
)
def test_each_suite_is_read_as_it_is_written(suite: str, key: str, profile: SrtpProfile) -> None:
    [crypto] = read_cryptos([f"7 {suite} inline:{key}"])
    assert crypto == Crypto(7, profile, base64.b64decode(key))
    assert read_cryptos([str(crypto)]) == (crypto,)


@pytest.mark.parametrize(
    "parameters", ["", "|2^48", "|1000000", " WSH=64", "|2^20 WSH=64 -vendor=1"]
)
def test_what_changes_nothing_is_passed_over(parameters: str) -> None:
    assert read_cryptos([f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY_30}{parameters}"])


@pytest.mark.parametrize(
    "line",
    [
        f"1 AES_256_CM_HMAC_SHA1_80 inline:{KEY_44}",
        f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY_28}",
        f"1 AEAD_AES_128_GCM inline:{KEY_30}",
        f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY_30}|2^20|1:4",
        f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY_30}|1:4",
        f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY_30};inline:{KEY_30}",
        f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY_30} UNENCRYPTED_SRTP",
        f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY_30} UNAUTHENTICATED_SRTP",
        f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY_30} KDR=3",
        f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY_30[:-1]}",
        f"x AES_CM_128_HMAC_SHA1_80 inline:{KEY_30}",
        "1 AES_CM_128_HMAC_SHA1_80 uri:https://example.com",
        "1 AES_CM_128_HMAC_SHA1_80",
        "",
    ],
)
def test_what_cannot_be_used_is_left_out(line: str) -> None:
    usable = f"2 AES_CM_128_HMAC_SHA1_80 inline:{KEY_30}"
    assert [crypto.tag for crypto in read_cryptos([line, usable])] == [2]


def test_only_so_many_lines_are_read_and_no_key_is_shown() -> None:
    found = read_cryptos([f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY_30}"] * 2 * MAX_CRYPTOS)
    assert len(found) == MAX_CRYPTOS
    assert "key" not in repr(found[0])
