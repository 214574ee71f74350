"""Baresip, a phone from Debian's packages, driven by its JSON interface.

https://github.com/baresip/baresip/blob/v1.0.0/modules/ctrl_tcp/ctrl_tcp.c
"""

import asyncio
import contextlib
import json
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from antiphon.wav import Samples, read_wav
from tests.e2e.sip.microphone import write_microphone
from tests.e2e.sip.peer_process import HOST, PATIENCE_S, PeerProcess, peer_process
from tests.e2e.sip.private_network import PHONE_ADDRESS, PrivateNetwork
from tests.e2e.sip.sip_deployment import PASSWORD, own_address
from tests.free_ports import free_port

BARESIP = shutil.which("baresip")
needs_baresip = pytest.mark.skipif(
    BARESIP is None, reason="no baresip: Debian's package baresip-core"
)
_WAV_HEADER_BYTES = 44
_MODULES = Path("/usr/lib/baresip/modules")

Event = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Account:
    """How the phone is set up; the names are those of its configuration."""

    user: str = "alice"
    transport: str = "udp"
    media_encryption: str = ""
    """`srtp` (offered), `srtp-mand` (SDES) or `dtls_srtp`."""
    ice: bool = False
    codecs: str = "pcmu,pcma"
    answers: bool = False
    port: int = 0
    """To listen at; any if 0."""
    registrar: str = ""
    """HOST:PORT to register at."""
    password: str = PASSWORD

    def line(self, port: int) -> str:
        domain = self.registrar or f"{HOST}:{port}"
        parameters = {
            "regint": "60" if self.registrar else "0",
            "auth_pass": self.password,
            "audio_codecs": self.codecs,
            "answermode": "auto" if self.answers else "manual",
            "mediaenc": self.media_encryption,
            "medianat": "ice" if self.ice else "",
        }
        said = "".join(f";{name}={value}" for name, value in parameters.items() if value)
        return f"<sip:{self.user}@{domain};transport={self.transport}>{said}\n"


class Baresip:
    """One phone; a call of it says what its microphone file says, once."""

    def __init__(
        self,
        peer: PeerProcess,
        streams: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        directory: Path,
        address: str,
    ) -> None:
        self.peer = peer
        self.uri = address
        """Where others call this phone."""
        self.events: list[Event] = []
        self._directory = directory
        self._listened_to: set[Path] = set()
        self._reader, self._writer = streams
        self._news = asyncio.Event()
        self._listener = asyncio.create_task(self._listen())

    def command(self, name: str, parameters: str = "") -> None:
        """As one types it with a slash: `dial`, `hangup`, `hold`, `resume`, `transfer`..."""
        message = json.dumps({"command": name, "params": parameters}).encode()
        self._writer.write(b"%d:%s," % (len(message), message))

    def dial(self, uri: str) -> None:
        self.command("dial", uri)

    def press(self, keys: str) -> None:
        """During a call: telephone-events."""
        for key in keys:
            self.command("sndcode", key)

    async def registered(self) -> None:
        """Wait for it; the first time may be before there is somebody to tell the event to."""
        await self.peer.says("200 OK")

    async def event(self, type_: str, count: int = 1) -> Event:
        """The `count`th such as CALL_ESTABLISHED, CALL_CLOSED, REGISTER_OK; waits for it."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                found = [event for event in self.events if event["type"] == type_]
                if len(found) >= count:
                    return found[count - 1]
                latest = self.events[-1] if self.events else None
                over = latest is not None and latest["type"] == "CALL_CLOSED"
                assert not (over and type_ == "CALL_ESTABLISHED"), latest
                self._news.clear()
                await self._news.wait()

    async def hang_up(self) -> Samples:
        """What was heard in the call."""
        await self.end_call()
        return self.heard()

    async def end_call(self) -> None:
        closed = len([event for event in self.events if event["type"] == "CALL_CLOSED"])
        self.command("hangup")
        await self.event("CALL_CLOSED", closed + 1)

    def heard(self) -> Samples:
        """All that the other end said in the latest call, once that is over."""
        files = set(self._directory.glob("dump-*-dec.wav")) - self._listened_to
        self._listened_to |= files
        spoken = [read_wav(file) for file in sorted(files) if _holds_audio(file)]
        return np.concatenate([np.zeros(0, dtype=np.int16), *spoken])

    async def close(self) -> None:
        self._writer.close()
        self._listener.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._listener

    async def _listen(self) -> None:
        """https://cr.yp.to/proto/netstrings.txt"""
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                length = int((await self._reader.readuntil(b":"))[:-1])
                message = json.loads((await self._reader.readexactly(length + 1))[:-1])
                if message.get("event"):
                    self.events.append(message)
                    self._news.set()


def _holds_audio(file: Path) -> bool:
    return file.stat().st_size > _WAV_HEADER_BYTES


@contextlib.asynccontextmanager
async def baresip(
    directory: Path,
    account: Account,
    microphone: Samples,
    network: PrivateNetwork | None = None,
) -> AsyncIterator[Baresip]:
    """Start one on this machine, or in a network of its own."""
    host = PHONE_ADDRESS if network else own_address() if account.ice else HOST
    home = directory / account.user
    home.mkdir()
    port, control = (5060, 5070) if network else (free_port(host, 2), free_port())
    port = account.port or port
    rate = 48_000 if account.codecs.startswith("opus") else 8_000
    write_microphone(home / "microphone.wav", microphone, rate)
    (home / "accounts").write_text(account.line(port))
    (home / "contacts").write_text("")
    (home / "config").write_text(_configuration(home, host, port, control, rate, account.ice))
    command: list[str | Path] = [str(BARESIP), "-f", home, "-n", host]
    async with peer_process(command, home, within=network.within if network else ()) as peer:
        await peer.says("baresip is ready")
        streams = await (
            asyncio.open_connection(sock=network.connected(control))
            if network
            else asyncio.open_connection(host, control)
        )
        phone = Baresip(peer, streams, home, f"sip:{account.user}@{host}:{port}")
        try:
            yield phone
        finally:
            phone.command("quit")
            with contextlib.suppress(TimeoutError):
                await peer.wait(2)
            await phone.close()


def _configuration(home: Path, host: str, port: int, control: int, rate: int, ice: bool) -> str:
    modules = ["stdio", "opus", "g711", "sndfile", "aufile", "srtp", "dtls_srtp", "stun", "ice"]
    return "\n".join(
        [
            f"module_path {_MODULES}",
            f"sip_listen {host}:{port}",
            f"ctrl_tcp_listen {host}:{control}",
            f"audio_source aufile,{home / 'microphone.wav'}",
            "audio_player nil,nil",
            "audio_alert nil,nil",
            "ausrc_format s16",
            "auenc_format s16",
            "audec_format s16",
            "audio_buffer 20-160",
            f"ausrc_srate {rate}",
            "ausrc_channels 1",
            "auplay_channels 1",
            "jitter_buffer_delay 1-5",
            f"snd_path {home}",
            f"rtcp_mux {'yes' if ice else 'no'}",
            *(f"module {name}.so" for name in modules if name != "stdio"),
            "statmode_default off",
            "module_tmp uuid.so",
            "module_tmp account.so",
            "module_app menu.so",
            "module_app contact.so",
            "module_app debug_cmd.so",
            "module_app ctrl_tcp.so",
            "",
        ]
    )
