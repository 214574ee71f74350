"""Every test that the threat model names exists, so that no claim on the page dangles."""

import ast
import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
PAGE = TESTS.parent / "docs" / "threat-model.md"

NAMED = sorted(set(re.findall(r"`((?:[a-z0-9_]+/)+test_\w+\.py)(?:::(\w+))?`", PAGE.read_text())))


def test_the_page_names_tests() -> None:
    assert len(NAMED) > 30


@pytest.mark.parametrize(("file", "test"), NAMED)
def test_is_there(file: str, test: str) -> None:
    tree = ast.parse((TESTS / file).read_text())
    functions = {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert not test or test in functions
