"""The deployment that phones and trunks call: two workers behind one public media port."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import md5
from pathlib import Path

import psutil
import pytest

from tests.e2e.running_deployment import RunningDeployment, running_deployment
from tests.e2e.sip.peer_process import HOST
from tests.e2e.sip.voice_application import SECRET, VoiceApplication
from tests.free_ports import free_port

PHONE_PORTS = 8
PASSWORD, REALM = "correct-horse", "antiphon"
PHONES = ("alice", "bob", "carol", "dave", "eve", "frank")
CARRIER = "127.0.0.2"
"""A trunk's address that is no phone's."""
PROXY = "127.0.0.3"
"""Another one's."""
STRANGER = "127.0.0.4"
"""An address that no trunk has; nor has one that of phones, which prove who they are."""
ORIGIN = "http://localhost"
"""Of pages that telephone."""
_CONFIG = """
[[trunks]]
name = "office"
networks = ["{carrier}/32", "{proxy}/32"]

[[trunks]]
name = "exchange"
uri = "sip:{host}:{exchange_port}"
username = "antiphon"
password = "{password}"

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
    port: int
    tls_port: int
    exchange_port: int
    """Where calls to the trunk "exchange" go."""

    def uri(self, number: str, transport: str = "udp") -> str:
        port = self.tls_port if transport == "tls" else self.port
        return f"sip:{number}@{HOST}:{port}"

    @property
    def address(self) -> str:
        """HOST:PORT, by UDP and TCP."""
        return f"{HOST}:{self.port}"

    def calls(self) -> float:
        return self.running.metrics("transceiver")['antiphon_transceiver_calls{transport="sip"}']

    def flows(self) -> float:
        """Of clients, in the relay."""
        metrics = self.running.metrics("relay")
        return sum(n for name, n in metrics.items() if name.startswith("antiphon_relay_flows{"))

    def free_phone_ports(self) -> float:
        return self.running.metrics("relay")['antiphon_relay_phone_ports{state="free"}']

    def voice_packets(self) -> float:
        """That the relay sent to clients."""
        sent = 'antiphon_relay_forwarded_packets_total{direction="to_client",kind="rtp"}'
        return self.running.metrics("relay").get(sent, 0)

    def sessions(self) -> float:
        return self.running.metrics("inference")["antiphon_inference_sessions"]


@contextmanager
def sip_deployment(directory: Path) -> Iterator[SipDeployment]:
    """`directory` gets its files."""
    ports = [free_port() for _ in range(3)]
    config = _CONFIG.format(
        carrier=CARRIER, proxy=PROXY, host=HOST, exchange_port=ports[2], password=PASSWORD
    )
    application = VoiceApplication()
    flags = (
        "--workers=2",
        "--tls",
        f"--sip={HOST}:{ports[0]}",
        f"--sip-tls={HOST}:{ports[1]}",
        f"--sip-config={_written(directory / 'sip.toml', config)}",
        f"--sip-credentials={_written(directory / 'phones', _credentials())}",
    )
    variables = {
        "XDG_STATE_HOME": str(directory),
        "ANTIPHON_WEBHOOK_URL": application.url,
        "ANTIPHON_WEBHOOK_SECRET": SECRET,
        "ANTIPHON_ALLOWED_ORIGINS": ORIGIN,
        "ANTIPHON_PHONE_PORTS": str(PHONE_PORTS),
    }
    with running_deployment(*flags, variables=variables) as running:
        certificate = directory / "antiphon" / "tls.crt"
        application.use(running.url, running.api_key, str(certificate))
        yield SipDeployment(running, application, *ports)
    application.close()


def own_address() -> str:
    """An IPv4 address of this machine that is not the loopback's, if it has one: ICE stacks offer
    no others."""
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
    """By MD5 alone: baresip 1.0 gives up when it is offered anything else besides."""
    digests = {user: md5(f"{user}:{REALM}:{PASSWORD}".encode()).hexdigest() for user in PHONES}
    return "".join(f"{user}:{REALM}:{digest}\n" for user, digest in digests.items())
