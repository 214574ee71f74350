"""A whole deployment, started as its users start it, and observed from outside."""

import contextlib
import json
import os
import re
import subprocess
import sys
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Mapping

import psutil

from chassis.host_port import HostPort

PATIENCE_S = 60.0
ANY_PORTS = ("--http=127.0.0.1:0", "--relay=127.0.0.1:0", "--admin=127.0.0.1:0")
READY_LINE = re.compile(
    r"Antiphon is ready: (?P<url>\S+)  API key: (?P<key>\S+)  engine: (?P<engine>\S+)  talk: \S+"
)
_TIER_READY = re.compile(r"(relay|inference|transceiver) is ready: (\{.*\})$")


class RunningDeployment:
    """`antiphon up` as a child process."""

    def __init__(self, *argv: str, variables: Mapping[str, str] | None = None) -> None:
        """`variables` of its environment, beside those of this process."""
        command = [sys.executable, "-m", "antiphon", "up", *argv, "--log-level=info"]
        self.process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **(variables or {})},
        )
        self.log: list[str] = []
        self._log_reader = threading.Thread(target=self._read_log, daemon=True)
        self._log_reader.start()

    def wait_until_ready(self) -> None:
        """Raises AssertionError with the log when it ends instead."""
        assert self.process.stdout is not None
        match = READY_LINE.match(self.process.stdout.readline())
        assert match, "\n".join(self.log)
        self.url, self.api_key = match["url"].rstrip("/"), match["key"]
        self.engine = match["engine"]

    def report(self, tier: str) -> dict[str, str | list[str]]:
        """The tier's last ready report."""
        matches = [match for line in self.log if (match := _TIER_READY.search(line))]
        return json.loads(next(m[2] for m in reversed(matches) if m[1] == tier))

    @property
    def public(self) -> HostPort:
        """The one public UDP port."""
        return HostPort.parse(str(self.report("relay")["public"]))

    def tier(self, name: str) -> psutil.Process:
        """The tier's own process, not its workers."""
        children = psutil.Process(self.process.pid).children()
        return next(child for child in children if name in child.cmdline()[2:5])

    def processes(self) -> list[psutil.Process]:
        """Every process of it, `antiphon up` first."""
        parent = psutil.Process(self.process.pid)
        return [parent, *parent.children(recursive=True)]

    def metrics(self, tier: str) -> dict[str, float]:
        """The tier's samples, `name{labels}` -> value, summed over its workers."""
        total: Counter[str] = Counter()
        for samples in self.metrics_by_process(tier):
            total.update(samples)
        return total

    def metrics_by_process(self, tier: str) -> list[dict[str, float]]:
        """The samples that each of the tier's admin ports gives."""
        report = self.report(tier)
        admins = report.get("admins") or [report["admin"]]
        return [scraped(f"http://{admin}/metrics") for admin in admins]

    def stop(self) -> None:
        """SIGTERM, and the end of every process."""
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(10)
        self._log_reader.join(10)

    def _read_log(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.log.append(line.rstrip("\n"))


def scraped(url: str) -> dict[str, float]:
    """The samples that a process exposes, `name{labels}` -> value."""
    with urllib.request.urlopen(url, timeout=10) as response:
        lines = response.read().decode().splitlines()
    samples = [line.rpartition(" ") for line in lines if not line.startswith("#")]
    return {name: float(value) for name, _, value in samples}


@contextlib.contextmanager
def running_deployment(
    *argv: str, variables: Mapping[str, str] | None = None
) -> Iterator[RunningDeployment]:
    """Start one on free ports, unless `argv` says otherwise, and stop it at the end."""
    deployment = RunningDeployment(*ANY_PORTS, *argv, variables=variables)
    try:
        deployment.wait_until_ready()
        yield deployment
    finally:
        deployment.stop()
        print("\n".join(deployment.log), file=sys.stderr)  # shown with a failed test


def still_running(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Those that run; a zombie has ended, and waits for whoever reaps orphans here."""
    return [p for p in processes if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]


def wait_until(condition: Callable[[], object], what: str, patience_s: float = PATIENCE_S) -> None:
    """Raises AssertionError when `condition()` stays false."""
    deadline = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < deadline, f"waited {patience_s:g} s in vain: {what}"
        time.sleep(0.05)
