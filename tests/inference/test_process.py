"""`python -m inference` as a process: readiness, admin port, exit codes, no orphans."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue

import grpc
import psutil
import pytest

from antiphon_proto.inference.v1 import inference_pb2 as pb
from antiphon_proto.inference.v1 import inference_pb2_grpc as pb_grpc
from tests.inference.test_trunk import open_command

pytestmark = pytest.mark.e2e

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
        """The body, whatever the status."""
        try:
            answer = urllib.request.urlopen(f"http://{self.ready['admin']}{path}", timeout=5)
        except urllib.error.HTTPError as error:
            answer = error
        with answer as response:
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
        (("--engine", "moshi"), "--engine: expected cascade, echo or native"),
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


@contextmanager
def open_session(running: RunningInference) -> Iterator[None]:
    with grpc.insecure_channel(str(running.ready["grpc"])) as channel:
        uplinks: SimpleQueue[pb.Uplink | None] = SimpleQueue()
        uplinks.put(pb.Uplink(commands=[open_command(model="echo")]))
        downlinks = pb_grpc.InferenceStub(channel).Trunk(iter(uplinks.get, None))
        while not any(event.HasField("ready") for event in next(downlinks).events):
            pass
        yield
        uplinks.put(None)


@pytest.mark.parametrize("running", [("--engine", "echo")], indirect=True)
def test_sigterm_waits_until_the_sessions_have_left(running: RunningInference) -> None:
    with open_session(running):
        running.process.terminate()
        while running.get("/readyz") != "draining\n":
            time.sleep(0.02)
        assert running.process.poll() is None
    assert running.process.wait(timeout=10) == 0


@pytest.mark.parametrize(
    ("running", "signals"),
    [
        (("--engine", "echo"), [signal.SIGTERM, signal.SIGTERM]),
        (("--engine", "echo", "--drain-seconds", "1"), [signal.SIGTERM]),
        (("--engine", "echo", "--drain-seconds", "0"), [signal.SIGTERM]),
    ],
    indirect=["running"],
)
def test_a_drain_ends_by_another_signal_or_with_its_time(
    running: RunningInference, signals: list[signal.Signals]
) -> None:
    with open_session(running):
        for number in signals:
            running.process.send_signal(number)
            time.sleep(0.1)
        assert running.process.wait(timeout=10) == 0
