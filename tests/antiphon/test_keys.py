import io

import pytest

from antiphon import keys
from antiphon_proto.cluster_keys import ClusterKeys
from chassis.settings import SettingError


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
