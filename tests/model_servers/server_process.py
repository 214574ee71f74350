"""A model server as a process of its own on a loopback port."""

import os
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

START_TIMEOUT_S = 180
STOP_TIMEOUT_S = 20


class ServerProcess:
    """Started at once; `wait` until it answers."""

    def __init__(self, command: Sequence[str], port: int, log: Path, **variables: str) -> None:
        """What it prints goes into the file `log`."""
        self.root = f"http://127.0.0.1:{port}"
        self.url = f"{self.root}/v1"
        self.log = log
        environment = {**os.environ, "HF_HUB_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": "", **variables}
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                command, stdout=output, stderr=subprocess.STDOUT, env=environment
            )

    def wait(self) -> None:
        """Return when it is healthy. Raises OSError when it ends or takes too long."""
        deadline = time.monotonic() + START_TIMEOUT_S
        while self._process.poll() is None and time.monotonic() < deadline:
            try:
                self.get("/health")
            except OSError:
                time.sleep(0.1)
            else:
                return
        raise OSError(f"the server did not start:\n{self.log.read_text()[-4000:]}")

    def get(self, path: str) -> str:
        with urllib.request.urlopen(self.root + path, timeout=5) as response:
            text: str = response.read().decode()
            return text

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@contextmanager
def stopped_at_the_end(server: ServerProcess) -> Iterator[ServerProcess]:
    try:
        yield server
    finally:
        server.stop()
