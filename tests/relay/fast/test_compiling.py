"""Where compiled code is kept, and that it is found again."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("numba")

from chassis import compiled_code
from relay.fast import compiling
from relay.fast.compiling import PackageCacheLocator, sources_digest
from relay.fast.path import precompile

COUNT_MISSES = """
from relay.fast import loop, path_calls, table_calls
from relay.fast.path import precompile
precompile()
functions = [loop.run, *vars(table_calls).values(), *vars(path_calls).values()]
print(sum(sum(each.stats.cache_misses.values()) for each in functions if hasattr(each, "stats")))
print(sum(sum(each.stats.cache_hits.values()) for each in functions if hasattr(each, "stats")))
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
        monkeypatch.setattr(compiling, "_PACKAGE", self.package)
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


def test_a_second_process_compiles_nothing() -> None:
    precompile()
    done = subprocess.run(
        [sys.executable, "-c", COUNT_MISSES], capture_output=True, text=True, check=True
    )
    misses, hits = map(int, done.stdout.split())

    assert misses == 0
    assert hits > 15
