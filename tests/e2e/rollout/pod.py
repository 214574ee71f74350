"""A pod: a tier's process with an address of its own, and what a kubelet does for it."""

import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from tests.e2e.namespaces import Namespace
from tests.e2e.rollout.workload import Probe, Workload

LOOK_S = 0.1
NICE = -15


class Pod:
    """Runs from the start on; `changed` is called when its readiness changes, and at its end."""

    def __init__(
        self,
        name: str,
        workload: Workload,
        module: str,
        *,
        host: Namespace,
        network: Namespace,
        address: str,
        secrets: Path,
        folder: Path,
        changed: Callable[[], None],
    ) -> None:
        """`module` is what it runs; `host`, its node, is where it is probed from; `secrets` and
        `folder` are what it has mounted."""
        self.name = name
        self.workload = workload
        self.address = address
        self.network = network
        self.host = host
        self.log = folder / "log"
        self.passes = False
        """Its readiness probe does."""
        self.ready_at: float | None = None
        self.ended: int | None = None
        """The exit code."""
        self.terminated_at: float | None = None
        self._folder, self._secrets = folder, secrets
        self._changed = changed
        self._deleted_at: float | None = None
        self._failed = 0
        self._probes_at = 0.0
        self._process = self._start(module)
        self._thread = threading.Thread(target=self._live, name=name)
        self._thread.start()

    @property
    def terminating(self) -> bool:
        return self._deleted_at is not None

    @property
    def ready(self) -> bool:
        """Whether new traffic may go to it."""
        return self.passes and not self.terminating and self.ended is None

    @property
    def serving(self) -> bool:
        """Whether traffic may go on to it."""
        return self.passes and self.ended is None

    @property
    def latest_log(self) -> str:
        return f"{self.name}: {self.log.read_text()[-2000:]}"

    def delete(self) -> None:
        """Have it end as Kubernetes ends pods; returns at once."""
        self._deleted_at = self._deleted_at or time.monotonic()
        self._changed()

    def join(self, patience_s: float) -> None:
        """Wait for its end."""
        self._thread.join(patience_s)
        assert not self._thread.is_alive(), f"{self.name} has not ended in {patience_s:g} s"

    def kill(self) -> None:
        """End it at once, if it has not ended."""
        self._deleted_at = self._deleted_at or time.monotonic()
        self._process.kill()
        self._thread.join()

    def fetch(self, path: str, port: int) -> str:
        """What it answers to a GET."""
        with self.host.entered():
            url = f"http://{self.address}:{port}{path}"
            with urllib.request.urlopen(url, timeout=5.0) as response:
                return response.read().decode()

    def _start(self, module: str) -> "subprocess.Popen[str]":
        fields = {
            "metadata.name": self.name,
            "metadata.namespace": "default",
            "status.podIP": self.address,
            "status.hostIP": self.address,
        }
        variables = {
            name: self._mounted(text) for name, text in self.workload.variables(fields).items()
        }
        with self.log.open("w") as log:
            return self.network.start(
                *(sys.executable, "-m", module),
                variables=variables,
                output=log.fileno(),
            )

    def _mounted(self, text: str) -> str:
        """A path within a volume as it is outside of the container."""
        for path, kind in self.workload.mounts.items():
            if text == path or text.startswith(f"{path}/"):
                folder = self._folder if kind == "emptyDir" else self._secrets
                return f"{folder}{text.removeprefix(path)}"
        return text

    # What a kubelet does, in a thread of its own.

    def _live(self) -> None:
        with self.host.entered():
            while self._process.poll() is None:
                now = time.monotonic()
                self._end(now)
                if now >= self._probes_at:
                    self._probe(now)
                time.sleep(LOOK_S)
        self.ended = self._process.returncode
        self.passes = False
        self._changed()

    def _end(self, now: float) -> None:
        if self._deleted_at is None:
            return
        waited = now - self._deleted_at
        if self.terminated_at is None and waited >= self.workload.pre_stop_s:
            self.terminated_at = now
            self._process.send_signal(signal.SIGTERM)
        if waited >= self.workload.grace_s:
            self._process.kill()

    def _probe(self, now: float) -> None:
        probe = self.workload.readiness if self.ready_at else self.workload.startup
        self._probes_at = now + probe.period_s
        if self._succeeds(probe):
            self._failed = 0
            passes = True
        else:
            self._failed += 1
            passes = self.passes and self._failed < probe.failures
        if passes != self.passes:
            self.passes = passes
            if self.ready_at is None:
                self.ready_at = now
                self._grant_cpu()
            self._changed()

    def _grant_cpu(self) -> None:
        """Its CPU request: others, starting ones too, leave it its share of the node."""
        for process in self.network.processes():
            for thread in process.threads():
                os.setpriority(os.PRIO_PROCESS, thread.id, NICE)

    def _succeeds(self, probe: Probe) -> bool:
        if probe.command:
            argv = [self._mounted(each) for each in probe.command]
            return subprocess.run(argv, capture_output=True).returncode == 0
        url = f"http://{self.address}:{probe.port}{probe.path}"
        try:
            with urllib.request.urlopen(url, timeout=probe.timeout_s):
                return True
        except OSError:
            return False
