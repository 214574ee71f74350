"""Where compiled code is kept, and what of it is loaded."""

from pathlib import Path

import pytest

from chassis import compiled_code
from chassis.compiled_code import place_of


class Places:
    """A package and a home of which each may be writable or not."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.package = root / "package"
        self.user = root / "home" / "antiphon" / "test"
        self.writable = {self.package, self.user}
        self.package.mkdir()
        monkeypatch.setattr(compiled_code, "_writable", lambda place: place in self.writable)
        monkeypatch.setenv("XDG_CACHE_HOME", str(root / "home"))

    def found(self) -> Path:
        return place_of("source.function", "0123", package=self.package, cache_name="test")

    def fill(self, digest: str) -> Path:
        index = self.package / f"source.function-{digest}.py311.nbi"
        index.touch()
        return index


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Places:
    return Places(tmp_path, monkeypatch)


def test_is_kept_beside_the_package(places: Places) -> None:
    assert places.found() == places.package


def test_is_kept_in_the_users_cache_when_the_package_cannot_be_written(places: Places) -> None:
    places.writable = {places.user}
    assert places.found() == places.user


def test_is_loaded_from_an_installation_that_cannot_be_written(places: Places) -> None:
    places.fill("0123")
    places.writable = {places.user}
    assert places.found() == places.package


def test_is_not_loaded_from_an_installation_of_other_sources(places: Places) -> None:
    places.fill("4567")
    places.writable = {places.user}
    assert places.found() == places.user


def test_is_this_process_own_when_nothing_can_be_written(places: Places) -> None:
    places.writable = set()
    private = places.found()

    assert private.stat().st_mode & 0o077 == 0
    private.rmdir()
    compiled_code._process_directory.cache_clear()


def test_removes_what_the_function_was_before(places: Places) -> None:
    stale, fresh = places.fill("4567"), places.fill("0123")
    places.found()

    assert fresh.exists()
    assert not stale.exists()
