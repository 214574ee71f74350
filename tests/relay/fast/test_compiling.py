"""Where compiled code is kept, and that it is found again."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("numba")

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
    """A package and a home of which each may be writable or not."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.package = root / "package"
        self.kept = self.package / "__pycache__"
        self.user = root / "home" / "antiphon" / "fast"
        self.writable = {self.kept, self.user}
        self.source = self.package / "source.py"
        self.kept.mkdir(parents=True)
        self.source.write_text("one")
        sources_digest.cache_clear()
        monkeypatch.setattr(compiling, "_PACKAGE", self.package)
        monkeypatch.setattr(compiling, "_writable", lambda place: place in self.writable)
        monkeypatch.setenv("XDG_CACHE_HOME", str(root / "home"))

    def locator(self) -> PackageCacheLocator:
        return PackageCacheLocator.from_function(function, str(self.source))

    def fill(self, digest: str) -> Path:
        index = self.kept / f"source.function-{digest}.py311.nbi"
        index.touch()
        return index


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Places:
    return Places(tmp_path, monkeypatch)


@pytest.fixture(autouse=True)
def forget_digests() -> Iterator[None]:
    yield
    sources_digest.cache_clear()


def test_is_kept_beside_the_package(places: Places) -> None:
    assert places.locator().get_cache_path() == str(places.kept)


def test_is_kept_in_the_users_cache_when_the_package_cannot_be_written(places: Places) -> None:
    places.writable = {places.user}
    assert places.locator().get_cache_path() == str(places.user)


def test_is_loaded_from_an_installation_that_cannot_be_written(places: Places) -> None:
    places.fill(places.locator().get_source_stamp())
    places.writable = {places.user}

    assert places.locator().get_cache_path() == str(places.kept)


def test_is_not_loaded_from_an_installation_of_other_sources(places: Places) -> None:
    places.fill("another")
    places.writable = {places.user}

    assert places.locator().get_cache_path() == str(places.user)


def test_is_this_process_own_when_nothing_can_be_written(places: Places) -> None:
    places.writable = set()
    private = Path(places.locator().get_cache_path())

    assert private.stat().st_mode & 0o077 == 0
    private.rmdir()
    compiling._process_directory.cache_clear()


def test_another_source_is_other_code(places: Places) -> None:
    before = places.locator().get_source_stamp()
    sources_digest.cache_clear()
    (places.package / "beside.py").write_text("two")

    assert places.locator().get_source_stamp() != before


def test_removes_what_the_function_was_before(places: Places) -> None:
    stale, fresh = places.fill("another"), places.fill(places.locator().get_source_stamp())
    stale.touch()
    places.locator()

    assert fresh.exists()
    assert not stale.exists()


def test_a_second_process_compiles_nothing() -> None:
    precompile()
    done = subprocess.run(
        [sys.executable, "-c", COUNT_MISSES], capture_output=True, text=True, check=True
    )
    misses, hits = map(int, done.stdout.split())

    assert misses == 0
    assert hits > 15
