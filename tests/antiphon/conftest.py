import os
import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

WriteTier = Callable[[str, str], Mapping[str, str]]


@pytest.fixture
def write_tier(tmp_path: Path) -> WriteTier:
    """Write a Python module that stands in for a tier; returns the environment that finds it."""

    def write(tier: str, source: str) -> Mapping[str, str]:
        (tmp_path / f"{tier}.py").write_text(textwrap.dedent(source))
        return {**os.environ, "PYTHONPATH": str(tmp_path)}

    return write
