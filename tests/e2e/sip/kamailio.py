"""Kamailio, a SIP proxy from Debian's packages, with the configuration of docs/kamailio."""

import contextlib
import shutil
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from tests.e2e.sip.peer_process import peer_process
from tests.free_ports import free_port

KAMAILIO = shutil.which("kamailio", path="/usr/sbin:/usr/bin")
needs_kamailio = pytest.mark.skipif(
    KAMAILIO is None, reason="no kamailio: Debian's package of that name"
)
CONFIGURATION = Path(__file__).parents[3] / "docs/kamailio/kamailio.cfg"


@contextlib.asynccontextmanager
async def kamailio(
    directory: Path, host: str, servers: Sequence[str], carriers: Sequence[str]
) -> AsyncIterator[str]:
    """Between SIP URIs of Antiphon's hosts and of carriers; its own HOST:PORT."""
    home = directory / "kamailio"
    home.mkdir()
    address = f"{host}:{free_port(host)}"
    destinations = [*(("1", uri) for uri in servers), *(("2", uri) for uri in carriers)]
    dispatched = home / "dispatcher.list"
    dispatched.write_text("".join(f"{set_} {uri} 0 0\n" for set_, uri in destinations))
    definitions = (f"LISTEN={address}", f"TCP_SOURCE={host}", f'DISPATCHER_LIST="{dispatched}"')
    command: list[str | Path] = [
        str(KAMAILIO),
        "-f",
        CONFIGURATION,
        "-DD",
        "-E",
        "-m",
        "32",
        "-M",
        "8",
        "-Y",
        home,
    ]
    command += [part for each in definitions for part in ("-A", each)]
    async with peer_process(command, home) as peer:
        await peer.says("Listening on")
        await peer.says("-")
        yield address
