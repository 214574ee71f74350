"""Releases of the examples, each rendered once for all test processes and kept in a folder."""

import asyncio
import fcntl
import hashlib
import json
from pathlib import Path
from typing import Any

from tests.deploy.k8s.helm import CHART, render
from tests.deploy.k8s.release import Release

HERE = Path(__file__).parent


class Releases:
    """By the example's name."""

    def __init__(self, folder: Path, examples: dict[str, dict[str, Any]]) -> None:
        self._folder = folder
        self._examples = examples

    def names(self) -> list[str]:
        return sorted(self._examples)

    def __getitem__(self, name: str) -> Release:
        values = self._examples[name]
        key = hashlib.sha256(SOURCES + json.dumps(values).encode()).hexdigest()
        path = self._folder / f"{name}.json"
        with (self._folder / f"{name}.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            kept = json.loads(path.read_text()) if path.exists() else {}
            if kept.get("key") != key:
                kept = {"key": key, "objects": asyncio.run(render(values))}
                path.write_text(json.dumps(kept))
        return Release(kept["objects"])


def _digest() -> bytes:
    """Of the chart and of what plays the cluster: another of either renders anew."""
    digest = hashlib.sha256()
    for folder in (CHART, HERE):
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            if "__pycache__" not in path.parts:
                digest.update(str(path).encode() + b"\0" + path.read_bytes())
    return digest.digest()


SOURCES = _digest()
"""As they were when they were loaded: what changes while tests run counts for the next run."""
