import base64
import json
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from antiphon.key_store import (
    ChangedMeanwhileError,
    KeyFile,
    KeySecret,
    KeyStoreError,
)
from antiphon.namespaced_name import NamespacedName
from tests.antiphon.kubernetes_pod import pod_access

TEXT, NEXT = "0 ipv4 ...\n", "0 ipv4 ...\n3 ipv4 ...\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "cluster.keys"
    path.write_text(TEXT)
    path.chmod(0o640)
    return path


async def test_a_file_is_replaced_as_a_whole_and_keeps_its_mode(path: Path) -> None:
    store, before = KeyFile(str(path)), path.stat()
    with path.open() as opened:
        stored = await store.read()
        assert stored.text == TEXT
        await store.replace(NEXT, stored.version)
        assert opened.read() == TEXT
    assert path.read_text() == NEXT
    assert path.stat().st_mode == before.st_mode
    assert [each.name for each in path.parent.iterdir()] == [path.name]


async def test_what_one_left_that_was_killed_is_in_nobodys_way(path: Path) -> None:
    path.with_name(f".{path.name}.new").write_text("half a f")
    store = KeyFile(str(path))
    await store.replace(NEXT, (await store.read()).version)
    assert path.read_text() == NEXT
    assert [each.name for each in path.parent.iterdir()] == [path.name]


async def test_a_file_that_was_changed_meanwhile_is_left_alone(path: Path) -> None:
    store = KeyFile(str(path))
    stored = await store.read()
    path.write_text(NEXT)
    with pytest.raises(ChangedMeanwhileError):
        await store.replace("other", stored.version)
    assert path.read_text() == NEXT


async def test_a_link_goes_on_leading_to_the_file(path: Path, tmp_path: Path) -> None:
    link = tmp_path / "elsewhere" / "keys"
    link.parent.mkdir()
    link.symlink_to(path)
    store = KeyFile(str(link))
    await store.replace(NEXT, (await store.read()).version)
    assert link.is_symlink()
    assert path.read_text() == NEXT


@pytest.mark.parametrize(
    ("content", "why"), [(None, "No such file"), (b"\xff\xfe", "not a text file")]
)
async def test_a_file_that_cannot_be_read_is_named(
    content: bytes | None, why: str, tmp_path: Path
) -> None:
    path = tmp_path / "keys"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(KeyStoreError, match=rf"{path}.*{why}"):
        await KeyFile(str(path)).read()


class Secrets:
    """An API server with one Secret."""

    def __init__(self) -> None:
        self.version = 7
        self.data: dict[str, Any] = {
            "cluster.keys": base64.b64encode(TEXT.encode()).decode(),
            "other": "b3RoZXI=",
            "binary": "//4=",
        }

    async def answer(self, request: web.Request) -> web.Response:
        if request.path != "/api/v1/namespaces/voice/secrets/antiphon.keys":
            return web.json_response({"message": "not found"}, status=404)
        if request.method == "PATCH":
            patch = json.loads(await request.read())
            if patch["metadata"]["resourceVersion"] != str(self.version):
                return web.json_response({"message": "has been modified"}, status=409)
            self.data |= patch["data"]
            self.version += 1
        metadata = {"resourceVersion": str(self.version)}
        return web.json_response({"kind": "Secret", "metadata": metadata, "data": self.data})


NAME = NamespacedName.parse("voice/antiphon.keys")


async def test_a_secrets_one_entry_is_replaced(tmp_path: Path) -> None:
    secrets = Secrets()
    async with pod_access(tmp_path, secrets.answer) as access:
        store = KeySecret(access, NAME, "cluster.keys")
        stored = await store.read()
        assert stored.text == TEXT
        await store.replace(NEXT, stored.version)
        assert (await store.read()).text == NEXT
        assert secrets.data["other"] == "b3RoZXI="
        with pytest.raises(ChangedMeanwhileError):
            await store.replace(TEXT, stored.version)
        assert (await store.read()).text == NEXT


@pytest.mark.parametrize("key", ["absent", "binary"])
async def test_a_secret_without_that_text_is_named(key: str, tmp_path: Path) -> None:
    async with pod_access(tmp_path, Secrets().answer) as access:
        with pytest.raises(KeyStoreError, match=f"voice/antiphon.keys.*{key}"):
            await KeySecret(access, NAME, key).read()


async def test_a_secret_that_may_not_be_had_says_why(tmp_path: Path) -> None:
    async with pod_access(tmp_path, Secrets().answer) as access:
        with pytest.raises(KeyStoreError, match="404 not found"):
            await KeySecret(access, NamespacedName.parse("voice/other"), "cluster.keys").read()
