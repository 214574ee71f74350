"""The deployment that phones and trunks call: two workers behind one public media port."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import md5, sha256
from pathlib import Path

import psutil
import pytest

from tests.e2e.running_deployment import RunningDeployment, running_deployment
from tests.e2e.sip.peer_process import HOST, free_port
from tests.e2e.sip.voice_application import SECRET, VoiceApplication

PHONE, PASSWORD, REALM = "deskphone", "correct horse", "antiphon"
CARRIER = "127.0.0.2"
"""A trunk's address that is no phone's."""
PROXY = "127.0.0.3"
"""Another one's."""
STRANGER = "127.0.0.4"
"""An address that no trunk has."""
PHONE_HOST = HOST
"""Nor has it the one that phones are at, which prove by a password who they are."""
ORIGIN = "http://localhost"
"""Of pages that telephone."""
_CONFIG = """
[[trunks]]
name = "office"
networks = ["{host}/32", "{carrier}/32", "{proxy}/32"]

[[dial-plan]]
number = "agent"
session = {{ type = "realtime" }}

[[dial-plan]]
number = "echo"
session = {{ type = "realtime", model = "echo" }}

[[dial-plan]]
number = "busy"
reject = 486
"""


@dataclass(frozen=True)
class SipDeployment:
    running: RunningDeployment
    application: VoiceApplication
    host: str
    """Of everything: this machine's own address where it has one, for ICE stacks offer no
    candidates on the loopback interface."""
    port: int
    tls_port: int

    def uri(self, number: str, transport: str = "udp") -> str:
        port = self.tls_port if transport == "tls" else self.port
        return f"sip:{number}@{self.host}:{port};transport={transport}"

    def calls(self) -> float:
        return self.running.metrics("transceiver")['antiphon_transceiver_calls{transport="sip"}']

    def flows(self) -> float:
        """Of clients, in the relay."""
        metrics = self.running.metrics("relay")
        return sum(n for name, n in metrics.items() if name.startswith("antiphon_relay_flows{"))

    def sessions(self) -> float:
        return self.running.metrics("inference")["antiphon_inference_sessions"]


@contextmanager
def sip_deployment(directory: Path) -> Iterator[SipDeployment]:
    """`directory` gets its files."""
    host = own_address()
    ports = free_port(host), free_port(host)
    config = _CONFIG.format(host=host, carrier=CARRIER, proxy=PROXY)
    application = VoiceApplication()
    flags = (
        "--workers=2",
        "--tls",
        f"--relay={host}:0",
        f"--sip={host}:{ports[0]}",
        f"--sip-tls={host}:{ports[1]}",
        f"--sip-config={_written(directory / 'sip.toml', config)}",
        f"--sip-credentials={_written(directory / 'phones', _credentials())}",
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(directory))
        for name, value in {
            "WEBHOOK_URL": application.url,
            "WEBHOOK_SECRET": SECRET,
            "ALLOWED_ORIGINS": ORIGIN,
            "PHONE_PORTS": "8",
        }.items():
            patch.setenv(f"ANTIPHON_{name}", value)
        with running_deployment(*flags) as running:
            certificate = directory / "antiphon" / "tls.crt"
            application.use(running.url, running.api_key, str(certificate))
            yield SipDeployment(running, application, host, *ports)
    application.close()


def own_address() -> str:
    """An IPv4 address of this machine that is not the loopback's, if it has one."""
    addresses = [each for group in psutil.net_if_addrs().values() for each in group]
    own = [each.address for each in addresses if each.family == socket.AF_INET]
    return next((each for each in own if not each.startswith("127.")), HOST)


needs_own_address = pytest.mark.skipif(
    own_address() == HOST, reason="this machine has the loopback address alone"
)


def _written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def _credentials() -> str:
    secret = f"{PHONE}:{REALM}:{PASSWORD}".encode()
    return f"{PHONE}:{REALM}:{md5(secret).hexdigest()}:{sha256(secret).hexdigest()}\n"
