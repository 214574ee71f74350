"""The command before admin ports that are played; tests/e2e has real ones."""

import asyncio
import base64
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from antiphon import keys
from antiphon.kubernetes_api import PodAccess
from antiphon_proto.cluster_keys import ClusterKeys
from chassis.settings import SettingError
from tests.antiphon.kubernetes_pod import pod_access
from tests.antiphon.test_key_reports import relay_page, served, transceiver_page
from tests.antiphon.test_key_store import Secrets

TEXT = ClusterKeys.generate(bytes(32))
NOBODY = ["--relay-admins=dns:nobody.invalid:1", "--transceiver-admins=dns:nobody.invalid:1"]

Rotate = Callable[..., Coroutine[Any, Any, int]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "cluster.keys"
    path.write_text(TEXT)
    return path


@pytest.fixture
async def rotate(path: Path) -> AsyncIterator[Rotate]:
    """Runs the command where a relay and a transceiver have the keys of TEXT."""
    async with served(relay_page()) as relay, served(transceiver_page()) as transceiver:
        admins = [f"--relay-admins={relay}", f"--transceiver-admins={transceiver}"]

        async def run(*argv: str) -> int:
            arguments = ["rotate", f"--cluster-keys={path}", *admins, *argv]
            return await asyncio.to_thread(keys.run, arguments, {})

        yield run


async def test_one_is_begun_and_waits_for_the_processes(
    rotate: Rotate, path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await rotate() == 0
    configs = ClusterKeys.parse(path.read_text()).configs
    assert [config.id for config in configs] == [0, 1, 2, 3, 4, 5]
    said = capsys.readouterr().out
    assert said.startswith("added keys that read: config id 3, 4, 5\nnext: promote, waiting for:\n")
    assert said.count("has no config id 3, 4, 5 yet") == 2
    assert configs[-1].secret.hex() not in said
    before = path.read_text()
    assert await rotate() == 0
    assert path.read_text() == before


@pytest.mark.parametrize("flag", ["--status", "--dry-run", "--resume"])
async def test_it_changes_nothing_when_asked_not_to(
    rotate: Rotate, path: Path, flag: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await rotate(flag) == 0
    assert path.read_text() == TEXT
    expected = {
        "--status": "config id 0  ipv4  57131ebe mint",
        "--dry-run": "would append: config id 3, 4, 5",
        "--resume": "no rotation is under way",
    }
    assert expected[flag] in capsys.readouterr().out


async def test_a_secret_is_rotated_from_within_a_pod(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    secrets = Secrets()
    secrets.data["cluster.keys"] = base64.b64encode(TEXT.encode()).decode()
    async with (
        served(relay_page()) as relay,
        served(transceiver_page()) as transceiver,
        pod_access(tmp_path, secrets.answer) as access,
    ):
        monkeypatch.setattr(PodAccess, "of_environment", lambda _environ: access)
        admins = [f"--relay-admins={relay}", f"--transceiver-admins={transceiver}"]
        arguments = ["rotate", "--secret=voice/antiphon.keys", *admins]
        assert await asyncio.to_thread(keys.run, arguments, {}) == 0
    text = base64.b64decode(secrets.data["cluster.keys"]).decode()
    assert [config.id for config in ClusterKeys.parse(text).configs] == [0, 1, 2, 3, 4, 5]
    assert "added keys that read: config id 3, 4, 5" in capsys.readouterr().out


def test_none_is_begun_where_nobody_is_found(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert keys.run(["rotate", f"--cluster-keys={path}", *NOBODY], {}) == 1
    assert path.read_text() == TEXT
    assert "no relay was found" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (None, "No such file"),
        ("0 ipv4\n", "line 1"),
        (f"0 ipv4 {'0' * 64}\n3 ipv4 {'1' * 64}\n", "by hand"),
    ],
)
def test_a_file_that_cannot_be_rotated_is_left_as_it_is(
    path: Path, text: str | None, why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path.unlink()
    if text is not None:
        path.write_text(text)
    assert keys.run(["rotate", f"--cluster-keys={path}", *NOBODY], {}) == 1
    assert why in capsys.readouterr().err
    assert (path.read_text() if path.exists() else None) == text


@pytest.mark.parametrize(
    ("argv", "names"),
    [
        (NOBODY, "--cluster-keys"),
        (["--cluster-keys=a"], "--relay-admins"),
        (["--secret=nowhere", *NOBODY], "--secret: expected NAMESPACE/NAME"),
        (["--secret=voice/keys", *NOBODY], "not in a pod"),
        (["--cluster-keys=a", "--relay-admins=x"], "--relay-admins: expected"),
    ],
)
def test_settings_that_cannot_be_used_are_named(argv: list[str], names: str) -> None:
    with pytest.raises(SettingError, match=names):
        keys.run(["rotate", *argv], {})
