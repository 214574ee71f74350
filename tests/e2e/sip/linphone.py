"""Linphone, a phone from Debian's packages, driven by its console."""

import contextlib
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from antiphon.wav import Samples, read_wav
from tests.e2e.sip.microphone import write_microphone
from tests.e2e.sip.peer_process import PeerProcess, peer_process
from tests.e2e.sip.sip_deployment import PASSWORD, REALM, own_address
from tests.free_ports import free_port

LINPHONEC = shutil.which("linphonec")
needs_linphone = pytest.mark.skipif(
    LINPHONEC is None, reason="no linphonec: Debian's package linphone-cli"
)
_FIRST_COMMANDS = (
    "ipv6 disable",
    "soundcard use files",
    "play microphone.wav",
    "record heard.wav",
)


class Linphone:
    """One phone; a call of it says what its microphone file says, once."""

    def __init__(self, peer: PeerProcess, directory: Path) -> None:
        self.peer = peer
        self._directory = directory

    def dial(self, uri: str) -> None:
        self.peer.type(f"call {uri}")

    def press(self, key: str) -> None:
        """During a call: a telephone-event."""
        self.peer.type(key)

    def hang_up(self) -> None:
        self.peer.type("terminate all")

    def heard(self) -> Samples:
        """All that the other end said; to be asked when the phone has ended."""
        return read_wav(self._directory / "heard.wav")


@contextlib.asynccontextmanager
async def linphone(
    directory: Path, user: str, server: str, microphone: Samples
) -> AsyncIterator[Linphone]:
    """One of `user`, who is registered at HOST:PORT, with ICE and DTLS-SRTP."""
    home = directory / "linphone"
    for folder in ".local/share/linphone", ".config/linphone":
        (home / folder).mkdir(parents=True)
    write_microphone(home / "microphone.wav", microphone, 48_000)
    (home / "linphonerc").write_text(_configuration(user, server))
    command: list[str | Path] = [str(LINPHONEC), "-c", home / "linphonerc", "-S"]
    async with peer_process(command, home) as peer:
        for line in _FIRST_COMMANDS:
            peer.type(line)
        yield Linphone(peer, home)
        peer.type("quit")
        with contextlib.suppress(TimeoutError):
            await peer.wait(5)


def _configuration(user: str, server: str) -> str:
    host, port = own_address(), free_port(own_address())
    return f"""
[sip]
default_proxy=0
sip_port={port}
sip_tcp_port={port}
sip_tls_port=-2
use_ipv6=0
bind_address={host}
media_encryption=dtls
media_encryption_mandatory=1
[proxy_0]
reg_proxy=<sip:{server};transport=tcp>
reg_identity=sip:{user}@{server.partition(":")[0]}
reg_sendregister=1
reg_expires=60
nat_policy_ref=nat
[auth_info_0]
username={user}
passwd={PASSWORD}
realm={REALM}
[rtp]
audio_rtp_port=-1
bind_address={host}
[net]
mtu=1300
nat_policy_ref=nat
[nat_policy_0]
ref=nat
protocols=ice
stun_server=
[sound]
echocancellation=0
[video]
enabled=0
"""
