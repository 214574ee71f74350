"""Compiled code is kept by all that it was made of."""

from pathlib import Path

import pytest

from chassis import compiled_code
from loadtest import compiled
from loadtest.compiled import compiling
from loadtest.compiled.compiling import SOURCES, _Locator

PACKAGE = Path(compiled.__file__).parents[1]


def function() -> None:
    """What is compiled."""


def test_is_loaded_from_beside_the_package_where_that_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiling, "_PACKAGE", tmp_path)
    monkeypatch.setattr(compiling, "_digest", lambda: "0123")
    monkeypatch.setattr(compiled_code, "_writable", lambda _place: False)
    kept = tmp_path / "compiled" / "__pycache__"
    kept.mkdir(parents=True)
    (kept / "source.function-0123.py311.nbi").touch()

    assert _Locator.from_function(function, "source.py").get_cache_path() == str(kept)


def test_every_compiled_source_is_known() -> None:
    known = {source for pattern in SOURCES for source in PACKAGE.glob(pattern)}
    compiling = {
        source
        for source in PACKAGE.rglob("*.py")
        if "import jit" in (text := source.read_text()) or "import kept" in text
    }
    assert compiling <= known
