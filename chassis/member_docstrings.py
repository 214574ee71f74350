"""The docstrings under an enum's members, which Python itself does not keep."""

import ast
import inspect
import textwrap
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import TypeVar

EnumT = TypeVar("EnumT", bound=Enum)


def member_docstrings(enum: type[EnumT]) -> Mapping[EnumT, str]:
    """Each documented member's text, on one line.

    Reads the source; raises OSError where that is not there.
    """
    [definition] = ast.parse(textwrap.dedent(inspect.getsource(enum))).body
    assert isinstance(definition, ast.ClassDef)
    return {enum[name]: " ".join(text.split()) for name, text in _documented(definition)}


def _documented(definition: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for member, docstring in zip(definition.body, definition.body[1:], strict=False):
        match member, docstring:
            case (
                ast.Assign(targets=[ast.Name(id=name)]),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                yield name, text
