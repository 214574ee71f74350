import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon_proto.cluster_keys import ClusterKeys
from transceiver.signaling.call_id import CallHolder, CallIdError, CallIds
from transceiver.signaling.sealed_token import SealedTokens

KEYS = ClusterKeys.parse(f"0 ipv4 {'a1' * 32}")
ROTATED = ClusterKeys.parse(f"1 ipv4 {'b2' * 32}\n0 ipv4 {'a1' * 32}")
OWNER = ("192.0.2.7", 40001)
NONCE = bytes(12)

addresses = st.tuples(st.ip_addresses(v=4).map(str), st.integers(0, 65535))
nonces = st.binary(min_size=12, max_size=12)


@given(addresses, nonces)
def test_names_its_owner(owner: tuple[str, int], nonce: bytes) -> None:
    assert CallIds(KEYS).owner(CallIds(KEYS).mint(owner, nonce)) == owner


def test_names_an_ipv6_owner() -> None:
    owner = ("2001:db8::7", 40001)
    assert CallIds(KEYS).owner(CallIds(KEYS).mint(owner, NONCE)) == owner


def test_fits_in_a_path_segment() -> None:
    call_id = CallIds(KEYS).mint(OWNER, b"\xff" * 12)
    assert call_id.startswith("rtc_")
    assert call_id.replace("_", "").replace("-", "").isalnum()
    assert len(call_id) < 64


def test_two_calls_of_one_owner_differ() -> None:
    assert CallIds(KEYS).mint(OWNER, NONCE) != CallIds(KEYS).mint(OWNER, b"\x01" * 12)


def test_names_the_cluster_of_its_owner() -> None:
    call_id = CallIds(KEYS, cluster_id=3).mint(OWNER, NONCE)
    assert CallIds(KEYS, cluster_id=3).owner(call_id) == OWNER
    assert CallIds(KEYS).holder(call_id) == CallHolder(3, OWNER)


def test_a_worker_of_another_cluster_is_not_taken_for_one_of_this() -> None:
    with pytest.raises(CallIdError, match="another cluster"):
        CallIds(KEYS, cluster_id=2).owner(CallIds(KEYS, cluster_id=3).mint(OWNER, NONCE))


def test_survives_a_rotation_of_the_cluster_keys() -> None:
    assert CallIds(ROTATED).owner(CallIds(KEYS).mint(OWNER, NONCE)) == OWNER


def test_owner_must_be_an_ip_address() -> None:
    with pytest.raises(ValueError, match=r"example\.com"):
        CallIds(KEYS).mint(("example.com", 1), NONCE)


ENCODED = b"\x04\x00\x01\x7f\x00\x00\x01"


@pytest.mark.parametrize(
    "plain",
    [b"", b"\x04", ENCODED[:-1], ENCODED + b"\x00", ENCODED + b"\x01\x01", bytes(20)],
)
def test_contents_that_are_no_address_are_refused(plain: bytes) -> None:
    call_id = SealedTokens("rtc_", KEYS.derive_all("call id")).seal(plain, NONCE)
    with pytest.raises(CallIdError):
        CallIds(KEYS).owner(call_id)


def test_a_client_secret_is_no_call_id() -> None:
    secret = SealedTokens("ek_", KEYS.derive_all("client secret")).seal(b"{}", NONCE)
    with pytest.raises(CallIdError):
        CallIds(KEYS).owner("rtc_" + secret.removeprefix("ek_"))


@given(st.text(max_size=100))
def test_arbitrary_text_raises_only_the_documented_error(text: str) -> None:
    with pytest.raises(CallIdError):
        CallIds(KEYS).owner("rtc_" + text)
