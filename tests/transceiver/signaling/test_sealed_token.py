import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transceiver.signaling.sealed_token import NONCE_BYTES, SealedTokenError, SealedTokens

VECTOR_FILE = Path(__file__).parents[2] / "vectors" / "sealed_token.json"
VECTORS = json.loads(VECTOR_FILE.read_text())["vectors"]
KEY, OLD_KEY, FOREIGN_KEY = bytes(32), b"\x01" * 32, b"\x02" * 32
NONCE = bytes(range(NONCE_BYTES))
TOKENS = SealedTokens("ek_", [KEY])
TOKEN = TOKENS.seal(b"plain", NONCE)


@given(st.binary(max_size=300), st.binary(min_size=NONCE_BYTES, max_size=NONCE_BYTES))
def test_round_trip(plain: bytes, nonce: bytes) -> None:
    assert TOKENS.open(TOKENS.seal(plain, nonce)) == plain


@pytest.mark.parametrize("vector", VECTORS)
def test_vectors_of_another_implementation(vector: dict[str, str]) -> None:
    tokens = SealedTokens(vector["prefix"], [bytes.fromhex(vector["key"])])
    plain, nonce = bytes.fromhex(vector["plain"]), bytes.fromhex(vector["nonce"])
    assert tokens.seal(plain, nonce) == vector["token"]
    assert tokens.open(vector["token"]) == plain


def test_opens_what_an_older_key_sealed() -> None:
    rotated = SealedTokens("ek_", [KEY, OLD_KEY])
    assert rotated.open(SealedTokens("ek_", [OLD_KEY]).seal(b"plain", NONCE)) == b"plain"


def test_tries_every_key_with_the_same_hint() -> None:
    twins = SealedTokens("ek_", [KEY, *(number.to_bytes(32, "big") for number in range(1, 600))])
    last = SealedTokens("ek_", [(599).to_bytes(32, "big")]).seal(b"plain", NONCE)
    assert twins.open(last) == b"plain"


def test_rejects_a_foreign_key() -> None:
    with pytest.raises(SealedTokenError):
        TOKENS.open(SealedTokens("ek_", [FOREIGN_KEY]).seal(b"plain", NONCE))


def test_one_kind_of_token_cannot_pass_as_another() -> None:
    with pytest.raises(SealedTokenError):
        SealedTokens("rtc_", [KEY]).open("rtc_" + TOKEN.removeprefix("ek_"))


@pytest.mark.parametrize("position", range(len("ek_"), len(TOKEN)))
def test_rejects_every_changed_character(position: int) -> None:
    other = "A" if TOKEN[position] != "A" else "B"
    with pytest.raises(SealedTokenError):
        TOKENS.open(TOKEN[:position] + other + TOKEN[position + 1 :])


@pytest.mark.parametrize("length", range(len(TOKEN)))
def test_rejects_every_truncation(length: int) -> None:
    with pytest.raises(SealedTokenError):
        TOKENS.open(TOKEN[:length])


@pytest.mark.parametrize("token", [TOKEN + "=", TOKEN + "\n", f" {TOKEN}", TOKEN + "A", "ek_é"])
def test_accepts_one_spelling_only(token: str) -> None:
    with pytest.raises(SealedTokenError):
        TOKENS.open(token)


@given(st.text(max_size=200))
def test_arbitrary_text_raises_only_the_documented_error(text: str) -> None:
    with pytest.raises(SealedTokenError):
        TOKENS.open("ek_" + text)
