import asyncio
import random
import socket
from collections.abc import Iterator

import pytest

from loadtest.callers.media_socket import KernelClock
from loadtest.callers.webrtc.network_path import NetworkPath
from loadtest.scenario.scenario import Network

HOST = "127.0.0.1"


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as opened:
        opened.bind((HOST, 0))
        opened.setblocking(False)
        yield opened


class Listener:
    """What came on a path, as it came."""

    def __init__(self, path: NetworkPath) -> None:
        self.received: asyncio.Queue[tuple[bytes, float]] = asyncio.Queue()
        self._path = path
        path.listen(self._read)

    def _read(self) -> None:
        if (came := self._path.receive()) is not None:
            self.received.put_nowait(came[:2])


def new_path(network: Network | None = None, hosts: tuple[str, ...] = (HOST,)) -> NetworkPath:
    return NetworkPath(KernelClock(), hosts, network or Network(), random.Random(1))


async def heard_by(server: socket.socket) -> tuple[bytes, tuple[str, int]]:
    loop = asyncio.get_running_loop()
    datagram, source = await loop.sock_recvfrom(server, 2048)
    return datagram, source


async def test_carries_both_ways_and_tells_when_it_came(server: socket.socket) -> None:
    path = new_path()
    listener, loop = Listener(path), asyncio.get_running_loop()
    path.connect(server.getsockname())
    before = loop.time()
    assert path.send(b"ping", server.getsockname())
    datagram, source = await heard_by(server)
    server.sendto(b"pong", source)
    answer, arrived_at = await listener.received.get()
    path.close()

    assert (datagram, answer) == (b"ping", b"pong")
    # By the kernel's clock, which may be set by a little while this runs.
    assert before - 0.1 < arrived_at < loop.time() + 0.1


async def test_a_path_that_delays_delays_what_it_sends(server: socket.socket) -> None:
    path, loop = new_path(Network(delay_ms=100)), asyncio.get_running_loop()
    began = loop.time()
    path.send(b"late", server.getsockname())
    datagram, _source = await heard_by(server)
    path.close()

    assert datagram == b"late"
    assert loop.time() - began >= 0.09


async def test_what_it_loses_on_the_way_in_is_told(server: socket.socket) -> None:
    path, lost = new_path(Network(loss=1.0)), []
    came = asyncio.Event()

    def read() -> None:
        assert path.receive() is None
        came.set()

    path.on_dropped(lost.append)
    path.listen(read)
    server.sendto(b"doomed", (HOST, path.port))
    await came.wait()
    path.close()

    assert lost == [b"doomed"]
    assert path.impaired


@pytest.mark.parametrize(
    ("network", "change", "host"),
    [
        (Network(rebind_seconds=1.0), "rebind", HOST),
        (Network(move_seconds=1.0), "move", "127.0.0.2"),
    ],
)
async def test_goes_on_from_another_address(
    server: socket.socket, network: Network, change: str, host: str
) -> None:
    path = new_path(network, (HOST, "127.0.0.2"))
    listener, port = Listener(path), path.port
    path.connect(server.getsockname())
    now = asyncio.get_running_loop().time()
    assert path.change_address(now) == ""
    assert path.change_address(now + 100) == change
    path.send(b"again", server.getsockname())
    _datagram, source = await heard_by(server)
    server.sendto(b"welcome", source)
    answer, _arrived_at = await listener.received.get()
    path.close()

    assert source[0] == host
    assert source[1] != port
    assert answer == b"welcome"
