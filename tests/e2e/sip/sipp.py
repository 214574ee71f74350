"""sipp, the SIP load generator from Debian's packages, whose calls play captured RTP.

https://sipp.readthedocs.io/en/v3.6.1/
"""

import contextlib
import os
import shutil
import socket
import struct
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from antiphon.wav import Samples
from tests.e2e.encoded_audio import PCMU, encoded
from tests.e2e.sip.peer_process import PeerProcess, peer_process
from tests.free_ports import free_port

SIPP = shutil.which("sipp")
needs_sipp = pytest.mark.skipif(
    SIPP is None or os.geteuid() != 0,
    reason="no sipp: Debian's package sip-tester, whose play_pcap_audio needs root",
)
SCENARIOS = Path(__file__).with_name("scenarios")
_ENDED_WELL = 0
PORTS_A_CALL = 4
"""The distance of calls' `[auto_media_port]`s."""
_TELEPHONE_EVENT = 101


@contextlib.asynccontextmanager
async def sipp(
    directory: Path,
    scenario: str,
    remote: str,
    number: str,
    host: str,
    calls: int = 1,
    media_port: int = 0,
) -> AsyncIterator[PeerProcess]:
    """Run the scenario, all calls at once, from `host` to the number at HOST:PORT `remote`."""
    media_port = media_port or free_port(host, PORTS_A_CALL * calls)
    options = (
        f"-m {calls} -l {calls} -r {calls} -i {host} -p {free_port(host)} -mi {host} "
        f"-mp {media_port} -nostdin -trace_err -error_file errors.log -timeout 60s -timeout_error"
    ).split()
    scenario_file = ["-sf", str(SCENARIOS / f"{scenario}.xml")]
    command: list[str | Path] = [str(SIPP), remote, *options, *scenario_file, "-s", number]
    async with peer_process(command, directory) as peer:
        yield peer


async def completed(peer: PeerProcess, directory: Path, within_s: float = 60) -> None:
    """Wait for all calls to have gone by the scenario."""
    status = await peer.wait(within_s)
    errors = directory / "errors.log"
    assert status == _ENDED_WELL, errors.read_text() if errors.exists() else peer.log[-20:]


def write_capture(path: Path, samples: Samples) -> None:
    """What is said as a capture of 20 ms RTP packets, for `play_pcap_audio`.

    https://wiki.wireshark.org/Development/LibpcapFileFormat
    """
    payloads = encoded(samples, PCMU)
    with path.open("wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for number, payload in enumerate(payloads):
            frame = _frame(number, payload)
            seconds, microseconds = divmod(number * 20_000, 1_000_000)
            file.write(struct.pack("<IIII", seconds, microseconds, len(frame), len(frame)))
            file.write(frame)


def _frame(number: int, payload: bytes) -> bytes:
    """Ethernet, IPv4 and UDP headers, of which sipp takes the lengths, before RTP."""
    marker = 0x80 if number == 0 else 0
    rtp = struct.pack(">BBHII", 0x80, marker, number, number * 160, 0x5EED) + payload
    udp = struct.pack(">HHHH", 4000, 4000, 8 + len(rtp), 0) + rtp
    ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(udp), 0, 0, 64, socket.IPPROTO_UDP, 0)
    return bytes(12) + b"\x08\x00" + ip + bytes(8) + udp
