"""An owner that finds relay workers' new lives by probing, and announces its clients to them."""

import queue
import threading
import time
from typing import Self

from antiphon_proto.address import Address
from antiphon_proto.tunnel import Frame, FrameType, TunnelReceiver, TunnelSender
from antiphon_proto.tunnel_control import (
    Bind,
    Hello,
    Reset,
    Unbind,
    UnbindReason,
    control_frame,
)
from tests.relay.conftest import PATIENCE_S, Cluster, udp_socket

PROBE_S = 0.05
LIFETIME_S = 30
EPOCH = 42


class AnnouncingOwner:
    """Answers nothing: what clients send is in `heard`. Runs in a thread within `with`."""

    def __init__(self, cluster: Cluster, tunnels: list[Address]) -> None:
        self.socket = udp_socket()
        self.socket.settimeout(PROBE_S / 5)
        self.address: Address = self.socket.getsockname()
        self.check = cluster.check(cluster.ufrag(self.address))
        self.heard: queue.Queue[tuple[Frame, Address]] = queue.Queue()
        self.epochs: dict[Address, list[int]] = {tunnel: [] for tunnel in tunnels}
        """Of each relay worker, every life that answered a probe."""
        self._receiver = TunnelReceiver(cluster.keys, self.address)
        self._senders = {tunnel: TunnelSender(cluster.keys, EPOCH, tunnel) for tunnel in tunnels}
        self._clients: set[Address] = set()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self.socket.close()

    def hear(self) -> tuple[Frame, Address]:
        """The next client packet, and the relay worker that it came by."""
        return self.heard.get(timeout=PATIENCE_S)

    def send(self, payload: bytes, client: Address, relay_worker: Address) -> None:
        self._send(relay_worker, [Frame(FrameType.DATA, client, payload)])

    def bind(self, client: Address) -> None:
        """Announce a client from now on."""
        self._clients.add(client)
        for tunnel in self._senders:
            self._send(tunnel, [_bind(client)])

    def unbind(self, client: Address) -> None:
        self._clients.discard(client)
        for tunnel in self._senders:
            self._send(tunnel, [control_frame(Unbind(UnbindReason.CLOSED), client)])

    def _run(self) -> None:
        probe_at = 0.0
        while not self._over.is_set():
            if time.monotonic() >= probe_at:
                probe_at = time.monotonic() + PROBE_S
                for tunnel in self._senders:
                    self._send(tunnel, [control_frame(Hello(1, ()))])
            self._receive()

    def _receive(self) -> None:
        try:
            datagram, relay_worker = self.socket.recvfrom(65535)
        except OSError:  # Nothing yet, or the worker is just not there.
            return
        epoch, frames = self._receiver.decode(datagram)
        for frame in frames:
            if frame.type is FrameType.DATA:
                self.heard.put((frame, relay_worker))
        if frames[0].type is FrameType.HELLO and epoch not in self.epochs[relay_worker]:
            announcement = [control_frame(Reset(0)), *map(_bind, list(self._clients))]
            self._send(relay_worker, announcement)
            self.epochs[relay_worker].append(epoch)

    def _send(self, relay_worker: Address, frames: list[Frame]) -> None:
        self.socket.sendto(self._senders[relay_worker].encode(frames), relay_worker)


def _bind(client: Address) -> Frame:
    return control_frame(Bind(LIFETIME_S, True, ()), client)
