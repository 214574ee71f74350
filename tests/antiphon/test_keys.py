import io

import pytest

from antiphon import keys
from antiphon_proto.cluster_keys import ClusterKeys
from chassis.settings import SettingError
from transceiver.sip.phone_credentials import PhoneCredentials


def test_a_cluster_key_file_is_one_that_the_tiers_read(capsys: pytest.CaptureFixture[str]) -> None:
    assert keys.run(["cluster"], {}) == 0
    first = capsys.readouterr().out
    assert len(ClusterKeys.parse(first).derive("test")) == 32
    keys.run(["cluster"], {})
    assert capsys.readouterr().out != first


def test_an_api_key_is_one_line_and_never_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    keys.run(["api"], {})
    keys.run(["api"], {})
    first, second = capsys.readouterr().out.splitlines()
    assert first != second
    assert first.startswith("sk-antiphon-")
    assert len(first) >= 40


def test_a_key_is_hashed_without_being_an_argument(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("abc\n"))
    assert keys.run(["hash"], {}) == 0
    # https://csrc.nist.gov/projects/cryptographic-standards-and-guidelines/example-values
    assert capsys.readouterr().out == (
        "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\n"
    )
    with pytest.raises(SettingError, match="standard input"):
        keys.run(["hash"], {})


def test_a_phones_line_is_one_of_htdigest_made_of_what_stands_on_standard_input(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # https://www.rfc-editor.org/rfc/rfc2617#section-3.5
    arguments = ["phone", "Mufasa", "testrealm@host.com"]
    monkeypatch.setattr("sys.stdin", io.StringIO("Circle Of Life\n"))
    assert keys.run(arguments, {}) == 0
    line = capsys.readouterr().out
    assert line == "Mufasa:testrealm@host.com:939e7578ed9e3c518a452acee763bce9\n"
    with pytest.raises(SettingError, match="standard input"):
        keys.run(arguments, {})


@pytest.mark.parametrize("digest", ["md5", "sha-256", "SHA256"])
def test_a_phones_password_and_line_are_what_the_transceiver_reads(
    digest: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    keys.run(["password"], {})
    password = capsys.readouterr().out
    assert len(password) == 23
    monkeypatch.setattr("sys.stdin", io.StringIO(password))
    keys.run(["phone", "alice", digest], {})
    credentials = PhoneCredentials.parse(capsys.readouterr().out)
    (algorithm,) = credentials.algorithms
    expected = algorithm.ha1("alice", "antiphon", password.strip())
    assert credentials.ha1("alice", algorithm, b"decoy") == expected


@pytest.mark.parametrize(
    "arguments", [[], ["al:ice"], ["alice", "md5", "realm", "more"], ["alice", "my:realm"]]
)
def test_what_makes_no_line_is_refused(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("secret\n"))
    with pytest.raises(SettingError, match="USER"):
        keys.run(["phone", *arguments], {})
