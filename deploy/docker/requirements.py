"""Prints what pyproject.toml's extras require, for pip's `-r`: `requirements.py relay [...]`.

So that an image can have them before it has our own sources. An extra that holds others of
ours (`antiphon[inference]`) brings in theirs.
"""

import re
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

_OWN = re.compile(r"antiphon\[([\w,-]+)\]")


def requirements(project: Mapping[str, object], extras: Sequence[str]) -> list[str]:
    """Of pyproject.toml's `[project]` with these extras, each once.

    Raises KeyError for an extra that there is not.
    """
    optional = project["optional-dependencies"]
    base = project["dependencies"]
    assert isinstance(optional, Mapping)
    assert isinstance(base, list)
    found = [*base, *(each for extra in extras for each in _flat(optional, extra))]
    return list(dict.fromkeys(found))


def _flat(optional: Mapping[str, Sequence[str]], extra: str) -> Iterator[str]:
    for requirement in optional[extra]:
        if own := _OWN.fullmatch(requirement):
            for inner in own[1].split(","):
                yield from _flat(optional, inner)
        else:
            yield requirement


if __name__ == "__main__":
    with (Path(__file__).parents[2] / "pyproject.toml").open("rb") as file:
        print(*requirements(tomllib.load(file)["project"], sys.argv[1:]), sep="\n")
