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
from collections.abc import Sequence

from antiphon_proto import stun
from antiphon_proto.address import Address
from antiphon_proto.demux import PacketKind, packet_kind
from antiphon_proto.stun import StunClass
from tests.e2e.client_socket import LARGEST, open_client
from tests.e2e.packet_log import PacketLog, read_voice, voice
from tests.e2e.stand_in_owner import CallTerms
from tests.e2e.voice_pace import VoicePace

IDLE_S = 0.05


class Callers:
    """Runs in a thread from `start` to `close`; one call has one socket."""

    def __init__(self, relay: Address, terms: Sequence[CallTerms]) -> None:
        self.said, self.heard = PacketLog(), PacketLog()
        """To be read while the thread says nothing and hears nothing."""
        self.other_bytes = [0] * len(terms)
        """Of each client: what it got and was no voice."""
        self.terms = terms
        self._relay = relay
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

    def check(self) -> None:
        """Have every client send a connectivity check."""
        for call, terms in enumerate(self.terms):
            self._send(call, connectivity_check(terms))

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

    def _open(self) -> socket.socket:
        opened = open_client(self._relay)
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
            if self._send(call, voice(call, number, self.terms[call].ssrc)):
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
            packet = opened.recv(LARGEST)
        except OSError:
            return
        at_ns = time.monotonic_ns()
        try:
            told, number = read_voice(packet)
        except struct.error:
            self.other_bytes[call] += len(packet)
            self._answer(call, packet)
            return
        self.misdelivered += told != call
        self.heard.note(told, number, at_ns)

    def _answer(self, call: int, packet: bytes) -> None:
        answer = answer_to(packet, self.terms[call], self._relay)
        if answer is not None:
            self._send(call, answer)


def connectivity_check(terms: CallTerms, *, use_candidate: bool = True) -> bytes:
    """One that this call's client could send."""
    return stun.binding_request(
        secrets.token_bytes(12),
        username=f"{terms.owner.ufrag}:{terms.client.ufrag}".encode(),
        password=terms.owner.password.encode(),
        priority=1,
        tie_breaker=2,
        controlling=True,
        use_candidate=use_candidate,
    )


def answer_to(check: bytes, terms: CallTerms, relay: Address) -> bytes | None:
    """What proves to the owner that this client hears; None unless it asked."""
    if packet_kind(check) is not PacketKind.STUN:
        return None
    message = stun.parse(check)
    if message.message_class is not StunClass.REQUEST:
        return None
    password = terms.client.password.encode()
    return stun.binding_success(message.transaction_id, mapped=relay, password=password)
