"""`bench.peers.media_echo`, a far side whose every fault is put there by the test."""

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from chassis.readiness import parse_ready


@dataclass(frozen=True)
class MediaEchoProcess:
    url: str

    def spoil(self, **faults: float) -> None:
        """From here on; see `bench.peers.media_echo.Faults`."""
        self.post("/faults", json.dumps(faults).encode())

    def post(self, path: str, body: bytes = b"") -> None:
        with urllib.request.urlopen(f"{self.url}{path}", body, timeout=30):
            pass


@contextmanager
def media_echo_process() -> Iterator[MediaEchoProcess]:
    read_end, write_end = os.pipe()
    command = [sys.executable, "-m", "bench.peers.media_echo", f"--ready-fd={write_end}"]
    with subprocess.Popen(command, pass_fds=[write_end]) as process:
        os.close(write_end)
        try:
            with os.fdopen(read_end) as ready:
                yield MediaEchoProcess(f"http://{parse_ready(ready.read())['http']}")
        finally:
            process.terminate()
