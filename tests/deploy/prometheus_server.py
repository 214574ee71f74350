"""A real Prometheus, over a database that was filled beforehand or that scrapes."""

import contextlib
import json
import shutil
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.running_deployment import wait_until
from tests.free_ports import free_port

PROMETHEUS, PROMTOOL = shutil.which("prometheus"), shutil.which("promtool")

needs_prometheus = pytest.mark.skipif(
    PROMETHEUS is None or PROMTOOL is None,
    reason="no prometheus and promtool: tests/install-debian-packages",
)


class QueryError(Exception):
    """Prometheus refused a query, or failed on it; the text is its own."""


@dataclass(frozen=True, slots=True)
class Prometheus:
    """One that answers at `url`."""

    url: str

    def instant(self, query: str, time: float) -> list[Any]:
        """Raises QueryError."""
        return self._ask("query", query=query, time=str(time))

    def _ask(self, path: str, **parameters: str) -> list[Any]:
        question = f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(question, timeout=20) as response:
                answer = json.load(response)
        except urllib.error.HTTPError as error:
            raise QueryError(json.load(error)["error"]) from error
        result: list[Any] = answer["data"]["result"]
        return result


@contextlib.contextmanager
def running_prometheus(directory: Path, configuration: str = "") -> Iterator[Prometheus]:
    """Serve the database in `directory`/data, and scrape what `configuration` says."""
    file = directory / "prometheus.yml"
    file.write_text(configuration)
    port = free_port()
    command = [
        str(PROMETHEUS),
        f"--config.file={file}",
        f"--storage.tsdb.path={directory / 'data'}",
        "--storage.tsdb.retention.time=10y",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=warn",
    ]
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until(lambda: process.poll() is None and _is_ready(url), "Prometheus is ready")
        yield Prometheus(url)
    finally:
        process.terminate()
        process.wait(20)


def promtool(*arguments: str, directory: Path) -> str:
    """What it says; raises AssertionError with that when it finds a fault."""
    command = [str(PROMTOOL), *arguments]
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def _is_ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/-/ready", timeout=5) as response:
            return bool(response.status == 200)
    except OSError:
        return False
