"""What can be known to be wrong before a process is started."""

import ctypes.util
import importlib.metadata
import importlib.util
import os
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from pathlib import Path

from antiphon.up_settings import UpSettings
from chassis.host_port import HostPort

OLDEST_PYTHON = (3, 11)


class PreflightError(Exception):
    """This machine cannot run the deployment; the text is one clear line."""


@dataclass(frozen=True, slots=True)
class Library:
    """A Python package that a tier needs."""

    module: str
    distribution: str
    files: tuple[str, ...] = ()
    """Data files that must lie in the package's directory."""

    def problem(self) -> str | None:
        """Why it cannot be used, without importing it; None when it can."""
        spec = _spec(self.module)
        if spec is None:
            return f"the Python package {self.distribution} is not installed"
        directory = Path(spec.origin or "").parent
        lacking = next((file for file in self.files if not (directory / file).is_file()), None)
        return f"the Python package {self.distribution} lacks {lacking}" if lacking else None

    def version(self) -> str:
        return importlib.metadata.version(self.distribution)


LIBRARIES = (
    Library("aioice", "aioice"),
    Library("aiortc", "aiortc"),
    Library("av", "av"),
    Library("cryptography", "cryptography"),
    Library("dns", "dnspython"),
    Library("espeakng_loader", "espeakng-loader"),
    Library("grpc", "grpcio"),
    Library("hpack", "hpack"),
    Library("mcp", "mcp"),
    Library("msgspec", "msgspec"),
    Library("numpy", "numpy"),
    Library("onnxruntime", "onnxruntime"),
    Library("pocketsphinx", "pocketsphinx"),
    Library("google.protobuf", "protobuf"),
    Library("pylibsrtp", "pylibsrtp"),
    Library("OpenSSL", "pyOpenSSL"),
    Library("silero_vad", "silero-vad", files=("data/silero_vad.onnx",)),
    Library("sipmessage", "sipmessage"),
    Library("soxr", "soxr"),
    Library("uvloop", "uvloop"),
)


def check_machine() -> None:
    """Raises PreflightError for the first thing that the tiers would miss."""
    for problem in machine_problems():
        raise PreflightError(problem)


def machine_problems() -> Iterator[str]:
    """One line for each thing that keeps the tiers from running here."""
    if sys.version_info < OLDEST_PYTHON:
        yield f"Python 3.11 or newer is needed, this is {sys.version.split()[0]}"
    if sys.platform != "linux":
        yield f"the tiers run on Linux, this is {sys.platform}"
    for library in LIBRARIES:
        if problem := library.problem():
            yield problem
    if opus_library() is None:
        yield "libopus was found neither on this system nor in the Python package av"


def _spec(module: str) -> ModuleSpec | None:
    try:
        return importlib.util.find_spec(module)
    except ModuleNotFoundError:  # the package that would contain it
        return None


def opus_library() -> str | None:
    """The name or path of a libopus: the system's, else the one that PyAV brings."""
    if name := ctypes.util.find_library("opus"):
        return name
    spec = _spec("av")
    if spec is None or spec.origin is None:
        return None
    bundled = Path(spec.origin).parent.parent / "av.libs"
    return next((str(path) for path in sorted(bundled.glob("libopus*.so*"))), None)


def check_ports(settings: UpSettings) -> None:
    """Raises PreflightError for the first address that cannot be had exclusively.

    The tiers share some ports among their workers, so that a second deployment
    would share them too, without an error from any bind.
    """
    processes = 1 + settings.inference_replicas + settings.workers
    binds = [
        ("--http", settings.http, socket.SOCK_STREAM),
        ("--relay", settings.relay, socket.SOCK_DGRAM),
        *(("--sip", bind, socket.SOCK_DGRAM) for bind in (settings.sip,) if bind),
        *(("--sip", bind, socket.SOCK_STREAM) for bind in (settings.sip,) if bind),
        *(("--sip-tls", bind, socket.SOCK_STREAM) for bind in (settings.sip_tls,) if bind),
        *(
            ("--admin", settings.admin_bind(index), socket.SOCK_STREAM)
            for index in range(processes)
        ),
    ]
    for flag, bind, kind in binds:
        if problem := bind_problem(bind, kind):
            raise PreflightError(f"{flag}: {bind} {problem}")


def bind_problem(bind: HostPort, kind: socket.SocketKind) -> str | None:
    """Why nobody but somebody else can bind this address, None when it is free."""
    try:
        family, _, _, _, address = socket.getaddrinfo(bind.host, bind.port, type=kind)[0]
        with socket.socket(family, kind) as probe:
            if kind is socket.SOCK_STREAM:  # else connections that just ended hold the port
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        return f"cannot be used: {os.strerror(error.errno) if error.errno else error}"
    return None
