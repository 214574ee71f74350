"""Where compiled code is kept, and that it is found again."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("numba")

from chassis import compiled_code
from relay.fast import machine_code, numba_code
from relay.fast.machine_code import MachineCode, sources_digest
from relay.fast.numba_code import PackageCacheLocator
from relay.fast.path import precompile

LOAD = """
import sys
from relay.fast.path import precompile
precompile()
print("numba" in sys.modules)
"""


def function() -> None:
    """Something to compile."""


class Places:
    """A package that may be writable or not, like any other place."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.package = root / "package"
        self.kept = self.package / "__pycache__"
        self.writable = True
        self.source = self.package / "source.py"
        self.kept.mkdir(parents=True)
        self.source.write_text("one")
        sources_digest.cache_clear()
        monkeypatch.setattr(machine_code, "PACKAGE", self.package)
        monkeypatch.setattr(numba_code, "PACKAGE", self.package)
        monkeypatch.setattr(compiled_code, "_writable", lambda _place: self.writable)
        monkeypatch.setenv("XDG_CACHE_HOME", str(root / "home"))

    def locator(self) -> PackageCacheLocator:
        return PackageCacheLocator.from_function(function, str(self.source))


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Places:
    return Places(tmp_path, monkeypatch)


@pytest.fixture(autouse=True)
def forget_digests() -> Iterator[None]:
    yield
    sources_digest.cache_clear()


def test_is_kept_beside_the_package(places: Places) -> None:
    assert places.locator().get_cache_path() == str(places.kept)


def test_is_loaded_from_an_installation_that_cannot_be_written(places: Places) -> None:
    stamp = places.locator().get_source_stamp()
    (places.kept / f"source.function-{stamp}.py311.nbi").touch()
    places.writable = False

    assert places.locator().get_cache_path() == str(places.kept)


def test_another_source_is_other_code(places: Places) -> None:
    before = places.locator().get_source_stamp()
    sources_digest.cache_clear()
    (places.package / "beside.py").write_text("two")

    assert places.locator().get_source_stamp() != before


def test_a_second_process_does_without_the_compiler() -> None:
    precompile()
    done = subprocess.run([sys.executable, "-c", LOAD], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize("content", [None, b"", b"\xc1", b"\x81\xa1a\x01"])
def test_what_is_not_kept_whole_is_compiled_and_kept(
    places: Places, monkeypatch: pytest.MonkeyPatch, content: bytes | None
) -> None:
    code = MachineCode("symbol", b"ELF")
    monkeypatch.setattr(numba_code, "compiled", lambda _function, _signature: code)
    file = places.kept / f"entry_points-{sources_digest()}.elf"
    if content is not None:
        file.write_bytes(content)
    assert machine_code._kept() is None
    codes = machine_code._compiled()
    assert set(codes) >= {"relay.fast.loop.run", "relay.fast.table_calls.bind"}
    assert machine_code._kept() == codes
    assert list(places.kept.iterdir()) == [file], "of this writing alone"


def test_what_cannot_be_kept_is_used_all_the_same(
    places: Places, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    code = MachineCode("symbol", b"ELF")
    monkeypatch.setattr(numba_code, "compiled", lambda _function, _signature: code)
    (places.kept / f"entry_points-{sources_digest()}.elf").mkdir()
    assert machine_code._kept() is None
    assert set(machine_code._compiled().values()) == {code}
    assert [each.getMessage().partition(":")[0] for each in caplog.records] == [
        "the compiled fast path cannot be read, and is compiled anew",
        "the compiled fast path is not kept",
    ]
