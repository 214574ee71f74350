"""Many calls' clients: real sockets that say 50 numbered packets a second each.

Each authenticates as a browser does, by a connectivity check and by answering the
owner's, and sends media alone from then on.
"""

import secrets
import select
import socket
import struct
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from antiphon_proto import stun
from antiphon_proto.address import Address
from antiphon_proto.demux import PacketKind, packet_kind
from antiphon_proto.stun import StunClass
from tests.e2e.packet_log import PacketLog, read_voice, voice
from tests.e2e.stand_in_owner import CallTerms
from tests.e2e.voice_pace import VoicePace

IDLE_S = 0.05


class Callers:
    """Runs in a thread from `start` to `close`; one call has one socket."""

    def __init__(self, relay: Address, terms: Sequence[CallTerms], host: str = "127.0.0.1") -> None:
        self.said, self.heard = PacketLog(), PacketLog()
        """To be read while the thread says nothing and hears nothing."""
        self._relay = relay
        self._terms = terms
        self._host = host
        self.misdelivered = 0
        """Packets that a client got and that were not its own."""
        self._epoll = select.epoll()
        self._sockets = [self._open() for _ in terms]
        self._open_sockets = {
            each.fileno(): (each, call) for call, each in enumerate(self._sockets)
        }
        self._pace = VoicePace(len(terms))
        self._speaking = self._closing = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def check(self, *, use_candidate: bool = True) -> None:
        """Have every client send a connectivity check."""
        for call in range(len(self._sockets)):
            self._send(call, self.check_of(call, use_candidate=use_candidate))

    def check_of(self, call: int, *, use_candidate: bool = True) -> bytes:
        """A check that this client could send."""
        terms = self._terms[call]
        return stun.binding_request(
            secrets.token_bytes(12),
            username=f"{terms.owner.ufrag}:{terms.client.ufrag}".encode(),
            password=terms.owner.password.encode(),
            priority=1,
            tie_breaker=2,
            controlling=True,
            use_candidate=use_candidate,
        )

    def speak(self) -> None:
        self._pace.resume(time.monotonic_ns())
        self._speaking = True

    def hush(self) -> None:
        self._speaking = False

    def address(self, call: int) -> Address:
        host, port = self._sockets[call].getsockname()
        return host, port

    def move(self, call: int) -> Address:
        """Speak from a new address from the next packet on, as after a NAT lost its mapping.

        Returns the one left, whose socket stays open and hears.
        """
        left = self._sockets[call]
        moved = self._open()
        self._open_sockets[moved.fileno()] = moved, call
        self._sockets[call] = moved
        host, port = left.getsockname()
        return host, port

    def close(self) -> None:
        self._closing = True
        self._thread.join()

    @contextmanager
    def forging(self, call: int) -> Iterator[socket.socket]:
        """A socket that sends from this client's address, and gets nothing that comes there.

        The kernel gives what comes to the client's, which is the connected one.
        """
        forger = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            forger.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            forger.bind(self._sockets[call].getsockname())
            yield forger
        finally:
            forger.close()

    def _open(self) -> socket.socket:
        opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        opened.bind((self._host, 0))
        # After it was bound: of shared addresses the kernel gives out the same port twice.
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        opened.connect(self._relay)
        opened.setblocking(False)
        self._epoll.register(opened, select.EPOLLIN)
        return opened

    def _run(self) -> None:
        while not self._closing:
            if self._speaking:
                self._say_what_is_due()
            wait_s = self._pace.wait_s(time.monotonic_ns()) if self._speaking else IDLE_S
            for descriptor, _events in self._epoll.poll(min(wait_s, IDLE_S)):
                self._receive(*self._open_sockets[descriptor])

    def _say_what_is_due(self) -> None:
        while (turn := self._pace.due(time.monotonic_ns())) is not None:
            call, number = turn
            at_ns = time.monotonic_ns()
            if self._send(call, voice(call, number, self._terms[call].ssrc)):
                self.said.note(call, number, at_ns)

    def _send(self, call: int, packet: bytes) -> bool:
        """Whether it left: an earlier packet's ICMP error may be in the way."""
        try:
            self._sockets[call].send(packet)
        except OSError:
            return False
        return True

    def _receive(self, opened: socket.socket, call: int) -> None:
        try:
            packet = opened.recv(2048)
        except OSError:
            return
        at_ns = time.monotonic_ns()
        if packet_kind(packet) is PacketKind.STUN:
            self._answer(call, packet)
            return
        try:
            told, number = read_voice(packet)
        except struct.error:
            return
        self.misdelivered += told != call
        self.heard.note(told, number, at_ns)

    def _answer(self, call: int, packet: bytes) -> None:
        """Prove to the owner that this client hears."""
        message = stun.parse(packet)
        if message.message_class is StunClass.REQUEST:
            password = self._terms[call].client.password.encode()
            mapped = self._relay
            self._send(
                call,
                stun.binding_success(message.transaction_id, mapped=mapped, password=password),
            )
