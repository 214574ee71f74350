"""`python -m bench.loadtest_relay.socket_costs`: ways to have thousands of flows, by the packet.

Each sends and receives as many packets as there are flows, on loopback, in one thread; what is
printed is that thread's CPU time for one packet sent and one received.
"""

import select
import socket
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from loadtest.compiled.compiling import kept
from loadtest.compiled.libc import (
    EPOLL_DATA_AT,
    EPOLL_EVENT_BYTES,
    MSG_DONTWAIT,
    epoll_wait,
    recv,
    recvmmsg,
    send,
    sendmmsg,
)
from loadtest.compiled.message_batch import MessageBatch, forget_names, new_batch, socket_name
from loadtest.reflected_packet import PACKET_BYTES

FLOWS = 4096
BATCH = 64
EVENTS = 512
ROUNDS = 10


@kept
def by_socket(descriptors: Any, epoll: int, packet: Any, events: Any) -> int:
    """A socket a flow, compiled."""
    for flow in range(len(descriptors)):
        send(descriptors[flow], packet.ctypes.data, PACKET_BYTES, MSG_DONTWAIT)
    taken = 0
    while taken < len(descriptors):
        count = epoll_wait(epoll, events.ctypes.data, EVENTS, 100)
        if count <= 0:
            break
        for event in range(count):
            at = event * EPOLL_EVENT_BYTES + EPOLL_DATA_AT
            descriptor = np.int64(events[at]) | np.int64(events[at + 1]) << 8
            taken += recv(descriptor, packet.ctypes.data, PACKET_BYTES, MSG_DONTWAIT) > 0
    return taken


@kept
def by_batch(descriptor: int, leaving: MessageBatch, coming: MessageBatch, packets: int) -> int:
    """One socket for all flows, as with IP_PKTINFO, compiled."""
    taken = 0
    for _ in range(packets // BATCH):
        sendmmsg(descriptor, leaving.pointer, BATCH, MSG_DONTWAIT)
        forget_names(coming, BATCH)
        taken += recvmmsg(descriptor, coming.pointer, BATCH, MSG_DONTWAIT, 0)
    return taken


def plainly(sockets: dict[int, socket.socket], epoll: select.epoll, packet: bytearray) -> int:
    """A socket a flow, in Python."""
    for each in sockets.values():
        each.send(packet)
    taken = 0
    while taken < len(sockets):
        for descriptor, _events in epoll.poll(0.1, EVENTS):
            taken += sockets[descriptor].recv_into(packet) > 0
    return taken


def main() -> None:
    opened = {each.fileno(): each for each in _pairs()}
    epoll = select.epoll()
    for descriptor in opened:
        epoll.register(descriptor, select.EPOLLIN)
    packet = np.zeros(PACKET_BYTES, np.uint8)
    events = np.zeros(EVENTS * EPOLL_EVENT_BYTES, np.uint8)
    descriptors = np.array(list(opened), np.int32)
    plain = bytearray(PACKET_BYTES)
    alone = next(iter(_pairs(1)))
    leaving, coming = new_batch(BATCH, PACKET_BYTES), new_batch(BATCH, PACKET_BYTES)
    leaving.names[:] = np.frombuffer(socket_name(*alone.getsockname()), np.uint8)
    leaving.headers[:, 1] = 16
    ways: dict[str, Callable[[], int]] = {
        "a socket a flow, compiled": lambda: by_socket(descriptors, epoll.fileno(), packet, events),
        "one socket for all flows, compiled": lambda: by_batch(
            alone.fileno(), leaving, coming, FLOWS
        ),
        "a socket a flow, plain Python": lambda: plainly(opened, epoll, plain),
    }
    for name, way in ways.items():
        if (taken := way()) != FLOWS:
            raise SystemExit(f"{name}: {taken} of {FLOWS} packets came")
        costs = sorted(_cost(way) for _ in range(ROUNDS))
        print(f"{name}: {costs[ROUNDS // 2] / FLOWS * 1e6:.2f} us a packet there and back")


def _cost(way: Callable[[], int]) -> float:
    before = time.thread_time()
    way()
    return time.thread_time() - before


def _pairs(size: int = FLOWS) -> list[socket.socket]:
    """Sockets of which each sends to its neighbour; a single one to itself."""
    pairs = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(size)]
    for each in pairs:
        each.bind(("127.0.0.1", 0))
    for index, each in enumerate(pairs):
        each.connect(pairs[min(index ^ 1, size - 1)].getsockname())
    return pairs


if __name__ == "__main__":
    main()
