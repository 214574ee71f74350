"""Network namespaces as hosts and pods: each has addresses, routes and processes of its own.

Nothing of them is seen outside: links, bridges, NAT rules and connection tracking are theirs.
"""

import contextlib
import ctypes
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType

import psutil

PREFIX = "antiphon"
_OURS = re.compile(rf"{PREFIX}(\d+)-")
_NAMES = Path("/run/netns")
_FILES = Path("/etc/netns")
"""What `ip netns exec` lays over /etc: https://man7.org/linux/man-pages/man8/ip-netns.8.html"""

_CLONE_NEWNET = 0x40000000
_LIBC = ctypes.CDLL(None, use_errno=True)


def why_no_namespaces(*programs: str) -> str | None:
    """Why there can be none, with these `programs` to be run as well; None where there can."""
    missing = [each for each in ("ip", *programs) if shutil.which(each) is None]
    if os.geteuid() != 0:
        return "network namespaces need root"
    if missing:
        return f"not installed: {', '.join(missing)}"
    probe = f"{PREFIX}{os.getpid()}-probe"
    made = subprocess.run(["ip", "netns", "add", probe], capture_output=True, text=True)
    if made.returncode != 0:
        return f"no network namespace: {made.stderr.strip()}"
    _ip("netns", "delete", probe)
    return None


class Namespace:
    """One host's or pod's network, and the processes started in it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._path = _NAMES / name
        _ip("netns", "add", name)
        self.ip("link set lo up")

    def ip(self, *commands: str) -> None:
        """Arguments of `ip`, without its name, carried out one after the other."""
        _run(["ip", "-n", self.name, "-batch", "-"], "\n".join(commands))

    def forward(self) -> None:
        """Be a router: pass on what is for others."""
        self.run("sysctl", "-qw", "net.ipv4.ip_forward=1")

    def run(self, *argv: str, stdin: str = "") -> str:
        """What a program says that ends by itself. Raises CalledProcessError."""
        return _run(["ip", "netns", "exec", self.name, *argv], stdin)

    def start(
        self,
        *argv: str,
        variables: Mapping[str, str] | None = None,
        pass_fds: Sequence[int] = (),
        output: int | None = None,
    ) -> "subprocess.Popen[str]":
        """A program that goes on; it is killed with the namespace at the latest.

        `variables` of its environment, beside those of this process; `output` is where both of
        its outputs go.
        """
        return subprocess.Popen(
            ["ip", "netns", "exec", self.name, *argv],
            env={**os.environ, **(variables or {})},
            pass_fds=pass_fds,
            stdout=output,
            stderr=output,
            text=True,
        )

    @contextlib.contextmanager
    def entered(self) -> Iterator[None]:
        """Within, sockets that this thread makes are the namespace's, and stay so."""
        with Path("/proc/thread-self/ns/net").open() as before, self._path.open() as here:
            _enter(here.fileno())
            try:
                yield
            finally:
                _enter(before.fileno())

    def resolve_by(self, server: str) -> None:
        """Have programs started from now on ask this name server."""
        files = _FILES / self.name
        files.mkdir(parents=True, exist_ok=True)
        (files / "resolv.conf").write_text(f"nameserver {server}\noptions timeout:1\n")

    def processes(self) -> list[psutil.Process]:
        """Those that run here."""
        return _processes(self.name)

    def delete(self) -> None:
        """Kill what runs here; links go, too."""
        _delete(self.name)


class Bridge:
    """A network segment, switched in a namespace that has an address on it."""

    def __init__(self, host: Namespace, name: str, address: str) -> None:
        """`address` of the host, with the prefix's length: 10.0.0.1/24."""
        self._host = host
        self._name = name
        self.gateway, _, self._length = address.partition("/")
        host.ip(
            f"link add {name} type bridge forward_delay 0",
            f"address add {address} dev {name}",
            f"link set {name} up",
        )

    def join(self, guest: Namespace, address: str, *, device: str = "eth0") -> None:
        """Link `guest` to it by this address, without length, and route all else by the host."""
        port = f"v{address.replace('.', '')[-13:]}"
        self._host.ip(
            f"link add {port} type veth peer name {device} netns {guest.name}",
            f"link set {port} master {self._name} up",
        )
        guest.ip(
            f"address add {address}/{self._length} dev {device}",
            f"link set {device} up",
            f"route add default via {self.gateway}",
        )


class Network:
    """Makes namespaces, and deletes all of them at the end."""

    def __init__(self) -> None:
        self._made: list[Namespace] = []
        _delete_left_behind()

    def __enter__(self) -> "Network":
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        for each in self._made:
            with contextlib.suppress(subprocess.CalledProcessError):
                each.delete()

    def namespace(self, name: str) -> Namespace:
        """A new one, with nothing but loopback; `name` is for people."""
        made = Namespace(f"{PREFIX}{os.getpid()}-{len(self._made)}-{name}")
        self._made.append(made)
        return made

    def link(self, one: Namespace, address: str, other: Namespace, other_address: str) -> None:
        """A cable between two, with an address and its prefix's length at either end."""
        device, other_device = _free_device(one), _free_device(other)
        one.ip(f"link add {device} type veth peer name {other_device} netns {other.name}")
        for end, name, its in ((one, device, address), (other, other_device, other_address)):
            end.ip(f"address add {its} dev {name}", f"link set {name} up")


def _free_device(namespace: Namespace) -> str:
    taken = _ip("-n", namespace.name, "-oneline", "link").count("\n")
    return f"eth{taken}"


def _delete_left_behind() -> None:
    """What test runs that were killed could not delete."""
    for each in _NAMES.glob(f"{PREFIX}*-*") if _NAMES.exists() else ():
        match = _OURS.match(each.name)
        if match and not psutil.pid_exists(int(match[1])):
            _delete(each.name)


def _processes(name: str) -> list[psutil.Process]:
    pids = map(int, _ip("netns", "pids", name).split())
    return [psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)]


def _delete(name: str) -> None:
    for process in _processes(name):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    _ip("netns", "delete", name)
    shutil.rmtree(_FILES / name, ignore_errors=True)


def _enter(descriptor: int) -> None:
    if _LIBC.setns(descriptor, _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def _ip(*arguments: str) -> str:
    return _run(["ip", *arguments], "")


def _run(argv: list[str], stdin: str) -> str:
    """Raises CalledProcessError, whose notes are what the program said of it."""
    done = subprocess.run(argv, input=stdin, capture_output=True, text=True)
    if done.returncode != 0:
        error = subprocess.CalledProcessError(done.returncode, argv, done.stdout, done.stderr)
        error.add_note(f"{stdin}\n{done.stderr}")
        raise error
    return done.stdout
