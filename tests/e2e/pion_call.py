"""Calls placed by Pion, a WebRTC stack in Go: the program in `pion/`, driven from here."""

import asyncio
import base64
import contextlib
import json
import os
import shutil
import struct
import subprocess
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

from antiphon.call import session_config
from tests.e2e.running_deployment import RunningDeployment

GO = shutil.which("go")
WORKSPACE = Path(__file__).with_name("pion")
DEBIAN_PACKAGES = Path("/usr/share/gocode")
PION_IS_HERE = GO is not None and (DEBIAN_PACKAGES / "src/github.com/pion/webrtc").is_dir()
PATIENCE_S = 15.0
_LONGEST_LINE = 1 << 24

Report = dict[str, Any]
"""What report.go says of one thing that happened."""


def build(directory: Path) -> Path:
    """The calling program, built into `directory` from Debian's packages alone."""
    program = directory / "caller"
    environment = {
        **os.environ,
        "CGO_ENABLED": "0",
        "GO111MODULE": "off",
        "GOFLAGS": "",
        "GOPATH": f"{WORKSPACE}:{DEBIAN_PACKAGES}",
    }
    built = subprocess.run(
        [str(GO), "build", "-o", program, "."],
        cwd=WORKSPACE / "src/caller",
        env=environment,
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stderr
    return program


class PionCall:
    """A call, and the reports of it so far."""

    def __init__(self, process: asyncio.subprocess.Process, directory: Path) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self.reports: list[Report] = []
        self._commands, self._lines = process.stdin, process.stdout
        self._speech = directory / "speech"
        self._news = asyncio.Event()
        self._over = False
        self._reader = asyncio.create_task(self._read())

    async def report(self, kind: str, *, since: int = 0, **fields: object) -> Report:
        """The first report of this kind with these fields, from index `since` on; waits for it."""
        wanted = {"kind": kind, **fields}
        return await self._first(lambda report: wanted.items() <= report.items(), since)

    async def event(self, kind: str) -> dict[str, Any]:
        """The first server event of this type; waits for it."""
        found = await self._first(
            lambda report: report["kind"] == "event" and report["event"]["type"] == kind, 0
        )
        event: dict[str, Any] = found["event"]
        return event

    def all(self, kind: str, *, since: int = 0) -> list[Report]:
        return [report for report in self.reports[since:] if report["kind"] == kind]

    def heard(self, *, since: int = 0) -> list[tuple[int, bytes]]:
        """Timestamp and payload of each RTP packet that came, from report `since` on."""
        packets = self.all("rtp", since=since)
        return [(each["timestamp"], base64.b64decode(each["payload"])) for each in packets]

    def speak(self, payloads: Sequence[bytes], frame_ms: int = 20) -> None:
        """Send RTP payloads, each of `frame_ms`; a `spoken` report follows the last."""
        self._speech.write_bytes(
            b"".join(struct.pack(">H", len(payload)) + payload for payload in payloads)
        )
        self._command({"speak": {"file": str(self._speech), "frame_ms": frame_ms}})

    def send(self, event: dict[str, object]) -> None:
        """Send a client event."""
        self._command({"send": event})

    def restart_ice(self) -> None:
        """Offer again, with new ICE credentials, from a new port."""
        self._command({"restart": True})

    async def end(self) -> None:
        """End the call from the client's side, and wait for the last report."""
        self._commands.close()
        await self._reader

    def _command(self, command: dict[str, object]) -> None:
        self._commands.write(json.dumps(command).encode() + b"\n")

    async def _read(self) -> None:
        async for line in self._lines:
            self.reports.append(json.loads(line))
            self._news.set()
        self._over = True
        self._news.set()

    async def _first(self, matches: Callable[[Report], bool], since: int) -> Report:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                for report in self.reports[since:]:
                    if matches(report):
                        return report
                assert not self._over, "the caller has ended"
                since = len(self.reports)
                self._news.clear()
                await self._news.wait()


@contextlib.asynccontextmanager
async def pion_call(
    program: Path, deployment: RunningDeployment, directory: Path, *flags: str, model: str | None
) -> AsyncIterator[PionCall]:
    """Place a call and wait for its session; end it at the end."""
    process = await asyncio.create_subprocess_exec(
        program,
        f"--url={deployment.url}",
        f"--key={deployment.api_key}",
        f"--session={json.dumps(session_config(model))}",
        *flags,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        limit=_LONGEST_LINE,
    )
    call = PionCall(process, directory)
    try:
        await call.event("session.created")
        yield call
        await call.end()
        assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
