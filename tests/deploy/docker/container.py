"""Containers of the images, run by runc as deploy/compose.yaml says.

https://github.com/opencontainers/runtime-spec/blob/main/config.md
"""

import contextlib
import json
import os
import signal
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.deploy.docker.compose_file import Service
from tests.deploy.docker.images import STORE, Image, buildah


@dataclass
class Container:
    """A service's process, in a network namespace that is there."""

    service: Service
    image: Image
    namespace: str
    volumes: Path
    """Where the volumes are on this machine."""
    hosts: str
    """The text of its /etc/hosts."""
    command: list[str] | None = None
    """Instead of the service's."""
    _files: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    _process: "subprocess.Popen[str] | None" = None

    @property
    def name(self) -> str:
        return f"antiphon{os.getpid()}-{self.namespace}"

    @property
    def log(self) -> str:
        return (self._bundle / "log").read_text()

    def start(self) -> None:
        root = self._root()
        self._bundle.mkdir(parents=True, exist_ok=True)
        (self._bundle / "hosts").write_text(self.hosts)
        (self._bundle / "config.json").write_text(json.dumps(self._config(root)))
        with (self._bundle / "log").open("w") as log:
            command = [*_RUNC, "run", "--bundle", str(self._bundle), self.name]
            self._process = subprocess.Popen(command, stdout=log, stderr=log, text=True)

    def wait(self, timeout_s: float) -> int:
        """The exit status. Raises TimeoutExpired."""
        assert self._process is not None
        return self._process.wait(timeout_s)

    def is_well(self) -> bool:
        """What the image's HEALTHCHECK says."""
        return self.run(*self.image.health_check).returncode == 0

    def run(self, *argv: str) -> "subprocess.CompletedProcess[str]":
        """A command beside its process, as `docker exec` runs it."""
        exec_ = [*_RUNC, "exec", self.name, *argv]
        return subprocess.run(exec_, capture_output=True, text=True, check=False)

    def stop(self) -> int:
        """The exit status after SIGTERM. Raises TimeoutExpired."""
        subprocess.run([*_RUNC, "kill", self.name, "TERM"], check=True)
        return self.wait(self.service.stop_grace_seconds)

    def end(self) -> None:
        """Whatever state it is in."""
        if self._process is not None and self._process.poll() is None:
            subprocess.run([*_RUNC, "kill", self.name, "KILL"], capture_output=True, check=False)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(10)
            self._process.send_signal(signal.SIGKILL)
        subprocess.run([*_RUNC, "delete", "-f", self.name], capture_output=True, check=False)
        self._files.close()

    @property
    def _bundle(self) -> Path:
        return STORE / "bundles" / self.name

    def _root(self) -> Path:
        """The image's files, mounted, until `end`."""
        container = buildah("from", "--pull-never", self.image.name)
        self._files.callback(buildah, "rm", container)
        root = Path(buildah("mount", container))
        self._files.callback(buildah, "umount", container)
        return root

    def _config(self, root: Path) -> dict[str, Any]:
        user, group = (int(part) for part in self.image.config["User"].split(":"))
        environment = dict(each.split("=", 1) for each in self.image.config["Env"])
        environment |= self.service.environment
        capabilities = ("bounding", "effective", "permitted", "inheritable", "ambient")
        namespaces = [{"type": kind} for kind in ("pid", "mount", "ipc", "uts")]
        network = {"type": "network", "path": f"/run/netns/{self.namespace}"}
        return {
            "ociVersion": "1.0.2",
            "process": {
                "user": {"uid": user, "gid": group},
                "args": self.command or self.service.command or self.image.config["Cmd"],
                "env": [f"{name}={value}" for name, value in environment.items()],
                "cwd": self.image.config["WorkingDir"],
                "noNewPrivileges": True,
                "capabilities": {kind: [] for kind in capabilities},
            },
            "root": {"path": str(root), "readonly": True},
            "hostname": self.service.name,
            "mounts": [*_SYSTEM_MOUNTS, *self._mounts(root, user, group)],
            "linux": {"namespaces": [*namespaces, network]},
        }

    def _mounts(self, root: Path, user: int, group: int) -> list[dict[str, Any]]:
        mounts = [_bound(self._bundle / "hosts", "/etc/hosts", may_write=False)]
        for name, path, may_write in self.service.volumes:
            volume = self.volumes / name
            if not volume.exists():
                # A new volume gets what the image has at its place, with its owner and mode.
                volume.mkdir(parents=True)
                status = (root / path.removeprefix("/")).stat()
                os.chown(volume, status.st_uid, status.st_gid)
                volume.chmod(status.st_mode & 0o7777)
            mounts.append(_bound(volume, path, may_write=may_write))
        return mounts


_RUNC = ["runc", "--root", str(STORE / "runc")]
_SYSTEM_MOUNTS = [
    {"destination": "/proc", "type": "proc", "source": "proc"},
    {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755"]},
    {"destination": "/dev/shm", "type": "tmpfs", "source": "shm", "options": ["mode=1777"]},
    {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": ["mode=1777"]},
]


def _bound(source: Path, destination: str, *, may_write: bool) -> dict[str, Any]:
    options = ["bind", "rw" if may_write else "ro"]
    return {"destination": destination, "type": "bind", "source": str(source), "options": options}
