"""Compiled code is kept by all that it was made of."""

from pathlib import Path

import pytest

from loadtest import compiled
from loadtest.compiled import compiling
from loadtest.compiled.compiling import SOURCES, _Locator

PACKAGE = Path(compiled.__file__).parents[1]


def function() -> None:
    """What is compiled."""


class Places:
    """Beside a package, and a user's cache, of which each may be writable or not."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.kept = root / "package" / "compiled" / "__pycache__"
        self.user = root / "home" / "antiphon" / "loadtest"
        self.writable = {self.kept, self.user}
        monkeypatch.setattr(compiling, "_PACKAGE", root / "package")
        monkeypatch.setattr(compiling, "_digest", lambda: "0123")
        monkeypatch.setattr(compiling, "_writable", lambda place: place in self.writable)
        monkeypatch.setenv("XDG_CACHE_HOME", str(root / "home"))

    def found(self) -> Path:
        return Path(_Locator.from_function(function, "source.py").get_cache_path())

    def install(self, digest: str) -> None:
        self.kept.mkdir(parents=True)
        (self.kept / f"source.function-{digest}.py311.nbi").touch()


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Places:
    return Places(tmp_path, monkeypatch)


def test_is_kept_beside_the_package_or_in_the_users_cache(places: Places) -> None:
    assert places.found() == places.kept
    places.writable = {places.user}
    assert places.found() == places.user


def test_is_loaded_from_an_installation_that_cannot_be_written(places: Places) -> None:
    places.writable = {places.user}
    places.install("0123")
    assert places.found() == places.kept


def test_is_not_loaded_from_an_installation_of_other_sources(places: Places) -> None:
    places.writable = {places.user}
    places.install("4567")
    assert places.found() == places.user


def test_every_compiled_source_is_known() -> None:
    known = {source for pattern in SOURCES for source in PACKAGE.glob(pattern)}
    compiling = {
        source
        for source in PACKAGE.rglob("*.py")
        if "import jit" in (text := source.read_text()) or "import kept" in text
    }
    assert compiling <= known
