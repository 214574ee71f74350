"""The times and limits on the tunnel's page are those of the code."""

import importlib
import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[1] / "docs" / "wire" / "tunnel.md"

ROWS = re.findall(
    r"^\| .* \| [a-z ]*([0-9.]+)[^|]* \| `([a-z_.]+)\.([A-Z_]+)` \|$", PAGE.read_text(), re.M
)


def test_there_are_rows() -> None:
    assert len(ROWS) > 10


@pytest.mark.parametrize(("number", "module", "constant"), ROWS)
def test_limit(number: str, module: str, constant: str) -> None:
    assert getattr(importlib.import_module(module), constant) == float(number)
