"""The deployment that the harness's callers are tried against: every door open, engines that echo
and that answer."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import md5
from pathlib import Path

from loadtest.callers.fleet import Target
from tests.e2e.running_deployment import RunningDeployment, running_deployment
from tests.free_ports import free_port

HOST = "127.0.0.1"
USER, PASSWORD, REALM = "caller", "correct-horse", "antiphon"
AGENT, ECHO, BUSY = "agent", "echo", "busy"
"""Numbers to dial: the first two are models, too, of the sessions over WebRTC and WebSocket."""
_SIP = f"""
[phones]
sessions = 0

[[dial-plan]]
number = "{AGENT}"
session = {{ type = "realtime" }}

[[dial-plan]]
number = "{ECHO}"
session = {{ type = "realtime", model = "echo" }}

[[dial-plan]]
number = "{BUSY}"
reject = 486
"""


@dataclass(frozen=True)
class CalledDeployment:
    running: RunningDeployment
    sip: str
    """HOST:PORT."""

    def target(self, model: str = ECHO) -> Target:
        return Target(
            http=self.running.url,
            api_key=self.running.api_key,
            model=model,
            sip=self.sip,
            sip_user=USER,
            sip_password=PASSWORD,
        )


@contextmanager
def called_deployment(directory: Path) -> Iterator[CalledDeployment]:
    """`directory` gets its files."""
    sip = f"{HOST}:{free_port(HOST)}"
    config, phones = directory / "sip.toml", directory / "phones"
    config.write_text(_SIP)
    digest = md5(f"{USER}:{REALM}:{PASSWORD}".encode()).hexdigest()
    phones.write_text(f"{USER}:{REALM}:{digest}\n")
    flags = (f"--sip={sip}", f"--sip-config={config}", f"--sip-credentials={phones}")
    with running_deployment(*flags) as running:
        yield CalledDeployment(running, sip)
