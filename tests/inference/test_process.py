"""`python -m inference` as a process: readiness, admin port, exit codes, no orphans."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

COMMAND = (sys.executable, "-m", "inference", "--admin", "127.0.0.1:0")
START_TIMEOUT_S = 30


class RunningInference:
    def __init__(self, directory: Path, *flags: str) -> None:
        """`directory` takes its temporary files, which a killed process leaves behind."""
        read_end, write_end = os.pipe()
        self.directory = directory
        self.process = subprocess.Popen(
            (*COMMAND, "--ready-fd", str(write_end), *flags),
            pass_fds=[write_end],
            env={**os.environ, "TMPDIR": str(directory)},
        )
        os.close(write_end)
        with os.fdopen(read_end) as pipe:
            self.ready = json.loads(pipe.read())

    def get(self, path: str) -> str:
        with urllib.request.urlopen(f"http://{self.ready['admin']}{path}", timeout=5) as response:
            text: str = response.read().decode()
            return text

    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)


@pytest.fixture
def running(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RunningInference]:
    running = RunningInference(tmp_path, *getattr(request, "param", ()))
    yield running
    running.process.kill()
    running.process.wait()


def test_it_serves_stops_and_leaves_nothing(running: RunningInference) -> None:
    assert running.ready["engine"] == "cascade"
    assert running.get("/readyz") == "ready\n"
    metrics = running.get("/metrics")
    assert 'antiphon_inference_errors_total{code="at_capacity"} 0.0' in metrics
    assert "antiphon_inference_sessions 0.0" in metrics
    assert 'antiphon_inference_stage_seconds_count{stage="first_audio"} 0.0' in metrics
    children = running.children()
    assert len(children) == 2

    running.process.send_signal(signal.SIGTERM)
    assert running.process.wait(timeout=5) == 0
    assert not any(child.is_running() for child in children)
    assert list(running.directory.iterdir()) == []


def test_workers_end_with_a_killed_parent(running: RunningInference) -> None:
    children = running.children()
    running.process.kill()
    running.process.wait()

    gone, alive = psutil.wait_procs(children, timeout=5)
    assert len(gone) == 2
    assert alive == []


@pytest.mark.parametrize("running", [("--engine", "echo")], indirect=True)
def test_echo_is_ready_too(running: RunningInference) -> None:
    assert running.ready["engine"] == "echo"


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--engine", "moshi"), "--engine: expected cascade or echo"),
        (("--llm-url", "http://127.0.0.1:1"), "--llm-url and --llm-model go together"),
        (("--grpc", "192.0.2.1:1", "--engine", "echo"), "cannot bind 192.0.2.1:1"),
    ],
)
def test_one_line_and_exit_code_2(flags: tuple[str, ...], message: str) -> None:
    result = subprocess.run(
        (*COMMAND, "--log-level", "error", *flags),
        capture_output=True,
        text=True,
        timeout=START_TIMEOUT_S,
        check=False,
    )
    assert result.returncode == 2
    lines = [line for line in result.stderr.splitlines() if line.startswith("inference: ")]
    assert len(lines) == 1
    assert message in lines[0]
    assert "Traceback" not in result.stderr


def test_shutdown_is_quick(running: RunningInference) -> None:
    started = time.monotonic()
    running.process.send_signal(signal.SIGINT)
    assert running.process.wait(timeout=5) == 0
    assert time.monotonic() - started < 3
