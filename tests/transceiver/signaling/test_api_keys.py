import hashlib
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon import keys as keys_command
from transceiver.signaling.api_keys import ApiKeyError, ApiKeys, KeyLimits

DIGEST = f"sha256:{hashlib.sha256(b'sk-hashed').hexdigest()}"


def test_finds_every_listed_key_and_no_other() -> None:
    keys = ApiKeys.parse(f"# ours\nsk-one\n\n  sk-two  \r\n{DIGEST}")
    for listed in ("sk-one", "sk-two", "sk-hashed"):
        assert keys.find(listed)
    for other in ("", "sk-on", "sk-one ", "# ours", "SK-ONE", "sk-öne", "\udcff", DIGEST):
        assert keys.find(other) is None


def test_a_key_has_limits_of_its_own() -> None:
    keys = ApiKeys.parse(f"sk-one sessions=3\n{DIGEST}\trequests-per-minute=60  sessions=0\nsk-two")
    limits = [
        found.limits for key in ("sk-one", "sk-hashed", "sk-two") if (found := keys.find(key))
    ]
    assert limits == [KeyLimits(3), KeyLimits(0, 60), KeyLimits()]


def test_a_fingerprint_names_a_key_and_does_not_hold_it() -> None:
    keys = ApiKeys(["sk-one", "sk-two"])
    one = keys.find("sk-one")
    assert one
    assert keys.with_fingerprint(one.fingerprint) is one
    assert keys.with_fingerprint("") is None
    assert "one" not in one.fingerprint


def test_others_may_take_their_place() -> None:
    keys = ApiKeys(["sk-one"])
    keys.become(ApiKeys(["sk-two"]))
    assert keys.find("sk-one") is None
    assert keys.find("sk-two")


def test_the_same_keys_and_limits_are_equal_wherever_they_come_from() -> None:
    keys = ApiKeys.parse("sk-hashed sessions=1")
    assert keys == ApiKeys.parse(f"# hashed\n{DIGEST} sessions=1")
    assert keys == pickle.loads(pickle.dumps(keys))
    assert keys != ApiKeys.parse(f"{DIGEST} sessions=2")


@pytest.mark.parametrize("text", ["", "\n \n", "# only a comment\n"])
def test_a_file_without_a_key_is_refused(text: str) -> None:
    with pytest.raises(ApiKeyError, match="no key"):
        ApiKeys.parse(text)


@pytest.mark.parametrize(
    "key",
    [
        "two words",
        "sk-é",
        "tab\tinside",
        "ek_reserved",
        "null\0",
        "sha256:abc",
        "sk-secret sessions=hunter2",
        "sk-secret sessions=1 sessions=2",
        "sk-secret sessions",
    ],
)
def test_an_unusable_line_is_refused_without_showing_it(key: str) -> None:
    with pytest.raises(ApiKeyError, match="line 2") as caught:
        ApiKeys.parse(f"sk-good\n{key}\n")
    assert key not in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_key_that_is_listed_twice_is_refused() -> None:
    with pytest.raises(ApiKeyError, match="line 3: the key of a line before"):
        ApiKeys.parse(f"sk-hashed\n\n{DIGEST} sessions=1")


def test_keeps_and_shows_no_key() -> None:
    keys = ApiKeys.parse("sk-one")
    assert b"sk-one" not in pickle.dumps(keys)
    assert keys.find("sk-one")
    assert hashlib.sha256(b"sk-one").digest().hex() not in repr(keys.find("sk-one"))


def test_takes_what_the_command_hashes() -> None:
    assert ApiKeys.parse(keys_command.hashed("sk-one\n")).find("sk-one")


@given(
    st.text()
    | st.lists(st.sampled_from(["sk-a", DIGEST, "sessions=", "1", " ", "\n"])).map("".join)
)
def test_arbitrary_text_is_keys_or_the_documented_error(text: str) -> None:
    try:
        keys = ApiKeys.parse(text)
    except ApiKeyError:
        return
    assert keys == ApiKeys.parse(text + "\n# the end")
