"""Relays of two clusters as real processes, and a call between them."""

import os
import signal
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

import pytest

from antiphon_proto.address import Address
from antiphon_proto.tunnel import Frame, FrameType, TunnelReceiver, TunnelSender
from antiphon_proto.tunnel_control import Bind, Hello, control_frame, control_message
from antiphon_proto.tunnel_transit import FromRelay, ToRelay, TransitSender, read_transit
from relay import fast
from tests.relay.conftest import Cluster, RelayProcess, udp_socket
from tests.relay.test_relay_process import wait_until

EDGE_CLUSTER, HOME_CLUSTER = 1, 2
RTP = b"\x80\x6f" + bytes(6) + b"\x01\x02\x03\x04" + bytes(140)


class FarOwner:
    """An owner of the home cluster, with no relay but what it heard from."""

    def __init__(self, cluster: Cluster) -> None:
        self.socket = udp_socket()
        self.address: Address = self.socket.getsockname()
        self._keys = cluster.keys
        self._receiver = TunnelReceiver(cluster.keys, self.address)
        self.check = cluster.check(cluster.ufrag(self.address, cluster_id=HOME_CLUSTER))

    def hear(self) -> tuple[Frame, FromRelay, Address]:
        """A frame, the relay that it came to, and the one that brought it."""
        datagram, gateway = self.socket.recvfrom(65535)
        _epoch, [first, frame] = self._receiver.decode(datagram)
        way = read_transit(first)
        assert isinstance(way, FromRelay)
        return frame, way, gateway

    def send(self, frame: Frame, relay: Address, gateway: Address) -> None:
        sender = TransitSender(TunnelSender(self._keys, 77, gateway), ToRelay(relay))
        self.socket.sendto(sender.encode([frame]), gateway)

    def silence(self) -> None:
        """Take what has come."""
        self.socket.setblocking(False)
        with suppress(BlockingIOError):
            while True:
                self.socket.recv(65535)
        self.socket.settimeout(10)


@dataclass
class Regions:
    edge: RelayProcess
    homes: list[RelayProcess]
    owner: FarOwner

    def heard_of(self, client: socket.socket, packet: bytes) -> tuple[FromRelay, Address]:
        """`packet` reaches the owner, though one or the other may be lost."""
        while True:
            client.sendto(packet, self.edge.public)
            self.owner.socket.settimeout(0.2)
            with suppress(TimeoutError):
                frame, way, gateway = self.owner.hear()
                assert frame == Frame(FrameType.DATA, client.getsockname(), packet)
                return way, gateway


@pytest.fixture(params=["off", "on"])
def regions(
    cluster: Cluster, start_relay: Callable[..., RelayProcess], request: pytest.FixtureRequest
) -> Iterator[Regions]:
    if request.param == "on" and not fast.available:
        pytest.skip("numba is not installed")
    free = [udp_socket() for _ in range(3)]
    edge_port, *home_ports = (each.getsockname()[1] for each in free)
    for each in free:
        each.close()
    places = [f"{EDGE_CLUSTER}=127.0.0.1:{edge_port}"]
    places += [f"{HOME_CLUSTER}=127.0.0.1:{port}" for port in home_ports]
    flags = ("--clusters", ",".join(places), "--fast-path", request.param)

    def start(cluster_id: int, port: int) -> RelayProcess:
        tunnel = f"127.0.0.1:{port}"
        return start_relay(*flags, "--cluster-id", str(cluster_id), "--tunnel", tunnel)

    with ThreadPoolExecutor() as pool:
        edge_starts = pool.submit(start, EDGE_CLUSTER, edge_port)
        homes = list(pool.map(partial(start, HOME_CLUSTER), home_ports))
        edge = edge_starts.result()
    owner = FarOwner(cluster)
    # Those of its cluster name themselves, too, and are not to be probed.
    wait_until(lambda: edge.metric("remote_relays", state="answering") == 2)
    yield Regions(edge, homes, owner)
    owner.socket.close()


def test_a_call_from_one_cluster_to_the_other(
    regions: Regions, new_client: Callable[[], socket.socket]
) -> None:
    client, owner = new_client(), regions.owner
    way, gateway = regions.heard_of(client, owner.check)
    assert way.relay == regions.edge.tunnels[0]

    # It is asked which life of it this is, and told whose the client is.
    owner.send(control_frame(Hello(9, ())), way.relay, gateway)
    frame, answered, _ = owner.hear()
    assert control_message(frame) == Hello(9, ())
    assert answered == way
    owner.send(control_frame(Bind(30, True, ()), client.getsockname()), way.relay, gateway)
    wait_until(lambda: regions.edge.metric("flows", state="bound") == 1)

    for _ in range(20):
        client.sendto(RTP, regions.edge.public)
        assert owner.hear()[0] == Frame(FrameType.DATA, client.getsockname(), RTP)
        owner.send(Frame(FrameType.DATA, client.getsockname(), RTP[::-1]), way.relay, gateway)
        assert client.recv(2000) == RTP[::-1]

    home = next(each for each in regions.homes if each.tunnels[0] == gateway)
    assert home.metric("flows", state="bound") == home.metric("flows", state="provisional") == 0
    wait_until(lambda: home.metric("transit_datagrams_total", to="owner") >= 21)
    wait_until(lambda: home.metric("transit_datagrams_total", to="relay") >= 21)
    assert not any("transit" in reason for reason in home.drops())

    # The relay between them is gone: within some probes the other one takes over.
    os.kill(home.process.pid, signal.SIGSTOP)
    for each in home.workers():
        each.kill()
    owner.silence()
    wait_until(lambda: regions.edge.metric("remote_relays", state="answering") == 1)
    way, gateway = regions.heard_of(client, RTP)
    assert gateway != home.tunnels[0]
    owner.send(Frame(FrameType.DATA, client.getsockname(), RTP[::-1]), way.relay, gateway)
    assert client.recv(2000) == RTP[::-1]
