import pickle

import pytest

from tests.transceiver.sip.access_driver import CREDENTIALS, PASSWORDS, line
from transceiver.sip.digest import DigestAlgorithm
from transceiver.sip.phone_credentials import PhoneCredentials, PhoneCredentialsError

MD5, SHA256 = DigestAlgorithm.MD5, DigestAlgorithm.SHA256
DIGEST = "0" * 32


def test_knows_everybody_in_the_file() -> None:
    credentials = PhoneCredentials.parse(f"# ours\n\n  {CREDENTIALS}\r\n")
    assert len(credentials) == len(PASSWORDS)
    assert "alice" in credentials
    assert "carol" not in credentials
    assert credentials.realm == "antiphon"
    assert credentials.ha1("bob", MD5, b"") == MD5.ha1("bob", "antiphon", "builder")


def test_whoever_does_not_exist_has_a_digest_too_and_always_the_same() -> None:
    credentials = PhoneCredentials.parse(CREDENTIALS)
    assert credentials.ha1("carol", MD5, b"key") == credentials.ha1("carol", MD5, b"key")
    assert credentials.ha1("carol", MD5, b"key") != credentials.ha1("carol", MD5, b"other")
    assert credentials.ha1("\udcff", MD5, b"key")


def test_what_everybody_has_is_offered_the_strongest_first() -> None:
    both = line("alice", MD5, SHA256)
    assert PhoneCredentials([both]).algorithms == (SHA256, MD5)
    assert PhoneCredentials([both, line("bob", MD5)]).algorithms == (MD5,)
    assert PhoneCredentials([both, line("bob", SHA256)]).algorithms == (SHA256,)
    with pytest.raises(PhoneCredentialsError, match="every line"):
        PhoneCredentials([line("alice", MD5), line("bob", SHA256)])


def test_a_file_may_be_empty() -> None:
    assert len(PhoneCredentials.parse("# nobody yet\n")) == 0


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("alice", "line 1: expected USER:REALM:DIGEST"),
        ("alice:antiphon", "line 1: expected USER:REALM:DIGEST"),
        (f":antiphon:{DIGEST}", "line 1: expected USER"),
        (f"a\x01:antiphon:{DIGEST}", "line 1: expected USER"),
        ("alice:antiphon:secret", "line 1: a digest is 32"),
        (f"alice:antiphon:{'x' * 32}", "line 1: a digest is 32"),
        (f"a:antiphon:{DIGEST}\nb:other:{DIGEST}", "line 2: the realm"),
        (f"a:antiphon:{DIGEST}\n\na:antiphon:{DIGEST}", "line 3: the user of a line before"),
    ],
)
def test_an_unusable_line_is_refused_without_showing_it(text: str, fault: str) -> None:
    with pytest.raises(PhoneCredentialsError, match=fault) as refused:
        PhoneCredentials.parse(text)
    assert "secret" not in str(refused.value)


def test_those_that_say_the_same_are_equal_and_show_no_digest() -> None:
    credentials = PhoneCredentials.parse(CREDENTIALS)
    assert pickle.loads(pickle.dumps(credentials)) == credentials
    assert credentials != PhoneCredentials.parse(line("alice"))
    assert MD5.ha1("alice", "antiphon", PASSWORDS["alice"]) not in repr(credentials.__dict__)
