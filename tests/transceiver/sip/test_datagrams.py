import socket

from chassis.bound_socket import bind_udp, bound_address
from chassis.host_port import HostPort
from tests.transceiver.sip.test_streams import until
from tests.transceiver.sip.transport_driver import WORKERS, Host, names, request
from transceiver.sip.datagrams import Datagrams

ANY = HostPort("127.0.0.1", 0)


async def test_datagrams_come_and_go_and_refusals_harm_nothing() -> None:
    worker = Host().workers[WORKERS[0]]
    with (
        bind_udp("--sip", ANY) as bound,
        socket.socket(type=socket.SOCK_DGRAM) as peer,
    ):
        peer.bind(("127.0.0.1", 0))
        peer.setblocking(False)
        datagrams = Datagrams(bound)
        datagrams.start(worker.exchange.datagram)
        with socket.socket(type=socket.SOCK_DGRAM) as gone:
            gone.bind(("127.0.0.1", 0))
            nobody = gone.getsockname()
        for _ in range(3):
            assert datagrams.send(b"is anybody there", nobody)
        message = request(to_tag=names(WORKERS[0]).tag())
        peer.sendto(message, bound_address(bound))
        await until(lambda: bool(worker.heard))
        [(heard, flow)] = worker.heard
        assert (heard, flow.remote) == (message, peer.getsockname())
        assert datagrams.send(b"x" * 1400, flow.remote)
        assert peer.recv(2000) == b"x" * 1400
        assert not datagrams.send(b"x" * 70_000, flow.remote)
        assert not datagrams.send(b"x", ("2001:db8::1", 5060))
        assert not datagrams.send(b"x", ("127.0.0.1", 99999))
        datagrams.close()
