"""coturn, a TURN server in C, with the cheapest encoding that TURN has: ChannelData.

https://datatracker.ietf.org/doc/html/rfc8656. One relay thread, no authentication, no TCP.
A client's packets go by the channel that it bound to its owner, so what owners see is bare
packets from an address that the server allocated for that client.
"""

import select
import shutil
import socket
import struct
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from antiphon_proto import stun
from antiphon_proto.address import Address
from bench.measured_process import ProcessFailedError
from bench.relay.endpoints import CLIENTS, Endpoints

CHANNEL = 0x4000
ALLOCATE, CHANNEL_BIND = 3, 9
XOR_PEER_ADDRESS, CHANNEL_NUMBER = 0x0012, 0x000C
XOR_RELAYED_ADDRESS, REQUESTED_TRANSPORT = 0x0016, 0x0019
UDP = 17

IN_FLIGHT = 32
ATTEMPTS = 5
PATIENCE_SECONDS = 1.0

_COOKIE = 0x2112A442
_HEADER = struct.Struct(">HHI12s")
_ATTRIBUTE = struct.Struct(">HH")
_XOR_ADDRESS = struct.Struct(">xBHI")


def command(public: Address, directory: Path) -> list[str | Path]:
    """How to start it; it keeps its files in `directory`."""
    host, port = public
    return [
        shutil.which("turnserver") or "turnserver",
        *("-n", "--no-auth", "--no-cli", "--cli-password=unused", "--allow-loopback-peers"),
        *("--no-tls", "--no-dtls", "--no-tcp", "--no-tcp-relay", "--no-rfc5780"),
        *(f"--listening-ip={host}", f"--listening-port={port}", f"--relay-ip={host}"),
        *("--relay-threads=1", "--min-port=49152", "--max-port=65535"),
        *("--log-file=stdout", "--simple-log"),
        *(f"--userdb={directory}/turndb", f"--pidfile={directory}/turnserver.pid"),
    ]


def free_port(host: str) -> Address:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((host, 0))
        address: Address = probe.getsockname()
        return address


def connect(ends: Endpoints, public: Address) -> None:
    """Allocate an address and bind a channel for each client. Raises ProcessFailedError."""
    _wait_until_it_answers(public)
    relayed: list[Address] = [("0.0.0.0", 0)] * CLIENTS

    def allocate(client: int) -> bytes:
        return _request(ALLOCATE, client, [(REQUESTED_TRANSPORT, bytes([UDP, 0, 0, 0]))])

    def bind(client: int) -> bytes:
        number = (CHANNEL_NUMBER, struct.pack(">HH", CHANNEL, 0))
        owner = ends.owners[ends.owner_of[client]]
        return _request(CHANNEL_BIND, client, [number, (XOR_PEER_ADDRESS, _xored(owner))])

    for client, answer in _ask_all(ends, public, allocate).items():
        relayed[client] = _unxored(answer.attributes[XOR_RELAYED_ADDRESS])
    _ask_all(ends, public, bind)
    ends.through_channels(public, relayed)


def _wait_until_it_answers(public: Address) -> None:
    question = _HEADER.pack(stun.BINDING, 0, _COOKIE, bytes(12))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.bind((public[0], 0))
        for _ in range(100):
            asking.sendto(question, public)
            if select.select([asking], [], [], 0.1)[0]:
                return
            time.sleep(0.05)
    raise ProcessFailedError("coturn does not answer")


def _ask_all(
    ends: Endpoints, public: Address, question: Callable[[int], bytes]
) -> Mapping[int, stun.StunMessage]:
    answers: dict[int, stun.StunMessage] = {}
    for start in range(0, CLIENTS, IN_FLIGHT):
        expected = range(start, start + IN_FLIGHT)
        for _ in range(ATTEMPTS):
            missing = [client for client in expected if client not in answers]
            if not missing:
                break
            for client in missing:
                ends.send_from(client, question(client), public)
            _gather(ends, answers, len(answers) + len(missing))
    if len(answers) < CLIENTS:
        raise ProcessFailedError(f"coturn answered {len(answers)} of {CLIENTS} clients")
    return answers


def _gather(ends: Endpoints, answers: dict[int, stun.StunMessage], wanted: int) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while len(answers) < wanted and (left := deadline - time.monotonic()) > 0:
        for ready in select.select(ends.client_sockets, [], [], left)[0]:
            message = stun.parse(ready.recv(2048))
            if message.message_class is stun.StunClass.SUCCESS:
                answers[int.from_bytes(message.transaction_id, "big")] = message


def _request(method: int, client: int, attributes: list[tuple[int, bytes]]) -> bytes:
    body = b"".join(_ATTRIBUTE.pack(kind, len(value)) + value for kind, value in attributes)
    return _HEADER.pack(method, len(body), _COOKIE, client.to_bytes(12, "big")) + body


def _xored(address: Address) -> bytes:
    host, port = address
    packed = int.from_bytes(socket.inet_aton(host), "big")
    return _XOR_ADDRESS.pack(1, port ^ _COOKIE >> 16, packed ^ _COOKIE)


def _unxored(value: bytes) -> Address:
    _family, port, host = _XOR_ADDRESS.unpack(value)
    return socket.inet_ntoa((host ^ _COOKIE).to_bytes(4, "big")), port ^ _COOKIE >> 16
