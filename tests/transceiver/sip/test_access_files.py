import os
from pathlib import Path

import pytest

from chassis.settings import SettingError
from tests.transceiver.sip.access_driver import CREDENTIALS, TRUNKS, access, line
from transceiver.sip.access import SipAccess
from transceiver.sip.access_files import AccessFiles


@pytest.fixture
def paths(tmp_path: Path) -> tuple[Path, Path]:
    config, credentials = tmp_path / "sip.toml", tmp_path / "phones"
    config.write_text(TRUNKS)
    credentials.write_text(CREDENTIALS)
    return config, credentials


def test_without_files_nobody_may_call() -> None:
    files = AccessFiles(None, None)
    assert files.access == SipAccess()
    assert files.access.is_nobodys
    assert files.changed() is None


def test_either_file_is_read_again_when_it_changes(paths: tuple[Path, Path]) -> None:
    config, credentials = paths
    files = AccessFiles(*map(str, paths))
    assert files.access == access()
    assert not files.access.is_nobodys
    assert files.changed() is None
    credentials.write_text(f"{CREDENTIALS}\n{line('alice').replace('alice', 'carol')}")
    assert (changed := files.changed()) is not None
    assert changed.is_phone("carol")
    config.write_text("")
    assert (changed := files.changed()) is not None
    assert (changed.is_phone("carol"), changed.config.trunks) == (True, ())
    assert files.changed() is None


def test_what_cannot_be_used_changes_nothing_and_is_not_quoted(
    paths: tuple[Path, Path], caplog: pytest.LogCaptureFixture
) -> None:
    config, credentials = paths
    files = AccessFiles(*map(str, paths))
    config.write_text('[[trunks]]\npassword = "hunter2"')
    credentials.write_text("alice:antiphon:hunter2")
    assert files.changed() is None
    assert files.access == access()
    assert len(caplog.records) == 2
    assert "hunter2" not in caplog.text


def test_a_trunk_whose_user_is_missing_is_said(
    paths: tuple[Path, Path], caplog: pytest.LogCaptureFixture
) -> None:
    _config, credentials = paths
    files = AccessFiles(*map(str, paths))
    credentials.write_text(line("alice"))
    assert files.changed() is not None
    assert "trunk exchange: its user is not in --sip-credentials" in caplog.text
    with pytest.raises(SettingError, match="trunk exchange"):
        AccessFiles(*map(str, paths))


@pytest.mark.parametrize("name", ["sip.toml", "phones"])
def test_a_file_that_cannot_be_used_at_the_start_is_named(
    paths: tuple[Path, Path], name: str
) -> None:
    path = paths[0].parent / name
    path.write_text("?")
    flag = {"sip.toml": "--sip-config", "phones": "--sip-credentials"}[name]
    with pytest.raises(SettingError, match=f"{flag} .*{name}: "):
        AccessFiles(*map(str, paths))
    os.unlink(path)
    with pytest.raises(SettingError, match="No such file"):
        AccessFiles(*map(str, paths))
