import json
import random
import secrets
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon_proto.cluster_keys import ClusterKeys
from transceiver.signaling.client_secret import (
    MAX_SECRET_CHARS,
    BoundSession,
    ClientSecretError,
    ClientSecretFault,
    ClientSecrets,
)
from transceiver.signaling.sealed_token import SealedTokens

NOW = 1_800_000_000.0
EXPIRY = 1_800_000_600
NONCE = bytes(12)
ISSUER = "c3" * 16
KEYS = ClusterKeys.parse(f"0 ipv4 {'a1' * 32}")
ROTATED = ClusterKeys.parse(f"1 ipv4 {'b2' * 32}\n0 ipv4 {'a1' * 32}")
BOUND = BoundSession(
    session=b'{"type":"realtime","model":"echo"}', expires_at=EXPIRY, issuer=ISSUER
)

json_objects = st.dictionaries(st.text(), st.none() | st.integers() | st.text(), max_size=5)


def fault_of(secret: str, now: float = NOW) -> ClientSecretFault:
    with pytest.raises(ClientSecretError) as caught:
        ClientSecrets(KEYS).open(secret, now)
    return caught.value.fault


@given(json_objects, st.integers(EXPIRY, 2**53))
def test_round_trip(session: dict[str, object], expires_at: int) -> None:
    bound = BoundSession(session=json.dumps(session).encode(), expires_at=expires_at, issuer=ISSUER)
    secret = ClientSecrets(KEYS).mint(bound, NONCE)
    assert secret.startswith("ek_")
    assert ClientSecrets(KEYS).open(secret, NOW) == bound


def test_a_secret_can_be_used_again() -> None:
    secret = ClientSecrets(KEYS).mint(BOUND, NONCE)
    assert ClientSecrets(KEYS).open(secret, NOW) == ClientSecrets(KEYS).open(secret, NOW + 1)


def test_survives_a_rotation_of_the_cluster_keys() -> None:
    secret = ClientSecrets(KEYS).mint(BOUND, NONCE)
    assert ClientSecrets(ROTATED).open(secret, NOW) == BOUND


def test_new_secrets_use_the_key_that_mints() -> None:
    assert fault_of(ClientSecrets(ROTATED).mint(BOUND, NONCE)) is ClientSecretFault.INVALID


@pytest.mark.parametrize("now", [EXPIRY, EXPIRY + 0.001, EXPIRY + 1e9])
def test_expires(now: float) -> None:
    assert fault_of(ClientSecrets(KEYS).mint(BOUND, NONCE), now) is ClientSecretFault.EXPIRED


def test_lives_until_its_last_moment() -> None:
    assert ClientSecrets(KEYS).open(ClientSecrets(KEYS).mint(BOUND, NONCE), EXPIRY - 0.001)


def test_does_not_show_the_session() -> None:
    assert "echo" not in ClientSecrets(KEYS).mint(BOUND, NONCE)


def test_carries_long_instructions() -> None:
    words = random.Random(1).choices(["please", "answer", "briefly", "and", "kindly"], k=20_000)
    session = json.dumps({"instructions": " ".join(words)}).encode()
    bound = BoundSession(session=session, expires_at=EXPIRY, issuer=ISSUER)
    secret = ClientSecrets(KEYS).mint(bound, NONCE)
    assert len(session) > 100_000
    assert ClientSecrets(KEYS).open(secret, NOW) == bound


@pytest.mark.parametrize("filler", [secrets.token_hex(MAX_SECRET_CHARS), "a" * 600_000])
def test_refuses_to_mint_what_no_header_can_carry(filler: str) -> None:
    bound = BoundSession(
        session=json.dumps({"instructions": filler}).encode(), expires_at=EXPIRY, issuer=ISSUER
    )
    with pytest.raises(ClientSecretError) as caught:
        ClientSecrets(KEYS).mint(bound, NONCE)
    assert caught.value.fault is ClientSecretFault.TOO_LONG


@pytest.mark.parametrize(
    "sealed",
    [
        b"",
        b"not zlib",
        zlib.compress(b""),
        zlib.compress(b'{"expires_at":1800000600,"issuer":"c3"}'),
        zlib.compress(b'{"expires_at":1800000600,"session":{}}'),
        zlib.compress(b'{"expires_at":1800000600,"issuer":"c3","session":{}}')[:-1],
        zlib.compress(bytes(600_000)),
    ],
)
def test_contents_that_are_no_secret_are_invalid(sealed: bytes) -> None:
    """Such a token can only come from our own key, so from a bug elsewhere."""
    tokens = SealedTokens("ek_", KEYS.derive_all("client secret"))
    assert fault_of(tokens.seal(sealed, NONCE)) is ClientSecretFault.INVALID


@given(st.text(max_size=200))
def test_arbitrary_text_is_invalid(text: str) -> None:
    assert fault_of("ek_" + text) is ClientSecretFault.INVALID


def test_an_endless_secret_is_invalid() -> None:
    assert fault_of("ek_" + "A" * (MAX_SECRET_CHARS + 1)) is ClientSecretFault.INVALID
