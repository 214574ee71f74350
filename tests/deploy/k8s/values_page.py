"""Makes docs/kubernetes-values.md: `python -m tests.deploy.k8s.values_page` writes it."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[3]
VALUES = ROOT / "deploy/k8s/values.yaml"
PAGE = ROOT / "docs/kubernetes-values.md"

HEAD = """\
# Values of the chart

Every value of the [chart](kubernetes.md), with its default. Other names, and values of another
kind, are refused by `values.schema.json`, and what does not go together by a message that names it.

This page is made from `deploy/k8s/values.yaml` by `python -m tests.deploy.k8s.values_page`; a test
holds it up to date.
"""

_KEY = re.compile(r"( *)([A-Za-z]\w*):(.*)")


@dataclass(frozen=True, slots=True)
class Value:
    path: tuple[str, ...]
    text: str
    default: Any

    @property
    def name(self) -> str:
        return ".".join(self.path)


def documented_values() -> list[Value]:
    """Every key of values.yaml that has a comment right above it, in the file's order."""
    text = VALUES.read_text()
    defaults = yaml.safe_load(text)
    return [Value(path, comment, _at(defaults, path)) for path, comment in _comments(text)]


def page() -> str:
    parts = [HEAD]
    for section, values in groupby(documented_values(), key=_section):
        rows = [
            f"| `{each.name}` | {_default(each.default)} | {_cell(each.text)} |" for each in values
        ]
        parts.append(
            "\n".join([f"## {section}", "", "| value | default | |", "|---|---|---|", *rows, ""])
        )
    return "\n".join(parts)


def _section(value: Value) -> str:
    return value.path[0] if len(value.path) > 1 else "Names"


def _comments(text: str) -> Iterator[tuple[tuple[str, ...], str]]:
    path: list[str] = []
    comment: list[str] = []
    for line in text.splitlines():
        if line.lstrip().startswith("#"):
            comment.append(line.lstrip()[1:].strip())
            continue
        if key := _KEY.fullmatch(line):
            path[len(key[1]) // 2 :] = [key[2]]
            if comment:
                yield tuple(path), " ".join(comment)
        comment = []


def _at(values: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        values = values[name]
    return values


def _default(value: Any) -> str:
    return "" if value is None or value == "" else _cell(f"`{json.dumps(value)}`")


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page())
