"""Compiled code is kept by all that it was made of."""

from pathlib import Path

from loadtest import compiled
from loadtest.compiled.compiling import SOURCES

PACKAGE = Path(compiled.__file__).parents[1]


def test_every_compiled_source_is_known() -> None:
    known = {source for pattern in SOURCES for source in PACKAGE.glob(pattern)}
    compiling = {
        source
        for source in PACKAGE.rglob("*.py")
        if "import jit" in (text := source.read_text()) or "import kept" in text
    }
    assert compiling <= known
