import socket
from collections.abc import Iterator
from contextlib import suppress

import pytest

from chassis.bound_socket import bound_address
from chassis.host_port import HostPort
from chassis.settings import SettingError
from relay.sockets import RelaySockets, open_sockets, receive_buffer_drops

ANY = HostPort("127.0.0.1", 0)


@pytest.fixture
def sockets() -> Iterator[RelaySockets]:
    opened = open_sockets(ANY, ANY, workers=3)
    yield opened
    opened.close()


def test_workers_share_the_public_port_and_have_tunnel_ports_of_their_own(
    sockets: RelaySockets,
) -> None:
    assert len({bound_address(each) for each in sockets.public}) == 1
    assert len({bound_address(each) for each in sockets.tunnels}) == 3


def test_tunnel_ports_follow_each_other() -> None:
    for base in range(20_000, 30_000, 10):
        with suppress(SettingError):  # Somebody else's port.
            sockets = open_sockets(ANY, HostPort("127.0.0.1", base), workers=3)
            break
    assert [bound_address(each).port - base for each in sockets.tunnels] == [0, 1, 2]
    sockets.close()


def test_refuses_a_public_port_in_use_though_its_holder_would_share_it(
    sockets: RelaySockets,
) -> None:
    taken = bound_address(sockets.public[0])
    for host in ("127.0.0.1", "0.0.0.0"):
        with pytest.raises(SettingError, match=rf"--public {host}:{taken.port}: .*in use"):
            open_sockets(HostPort(host, taken.port), ANY, workers=2)


def test_refuses_a_tunnel_port_in_use(sockets: RelaySockets) -> None:
    with pytest.raises(SettingError, match=r"--tunnel .*in use"):
        open_sockets(ANY, bound_address(sockets.tunnels[0]), workers=1)


def test_refuses_a_tunnel_port_with_too_few_above_it() -> None:
    with pytest.raises(SettingError, match=r"--tunnel 127.0.0.1:65535"):
        open_sockets(ANY, HostPort("127.0.0.1", 65535), workers=2)


def test_refuses_an_address_that_is_not_this_machine() -> None:
    with pytest.raises(SettingError, match=r"--public 192\.0\.2\.1"):
        open_sockets(HostPort("192.0.2.1", 0), ANY, workers=1)


def test_ipv6() -> None:
    sockets = open_sockets(HostPort("::1", 0), HostPort("::1", 0), workers=2)
    assert {each.family for each in (*sockets.public, *sockets.tunnels)} == {socket.AF_INET6}
    sockets.close()


def test_taking_a_pair_lets_go_of_the_others(sockets: RelaySockets) -> None:
    public, tunnel = sockets.take(1)

    assert (public, tunnel) == (sockets.public[1], sockets.tunnels[1])
    open_descriptors = [each.fileno() >= 0 for each in (*sockets.public, *sockets.tunnels)]
    assert open_descriptors == [False, True, False] * 2


def test_counts_what_did_not_fit_the_receive_buffer(sockets: RelaySockets) -> None:
    assert receive_buffer_drops(sockets.tunnels) == 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for _ in range(300):
            sender.sendto(bytes(60_000), bound_address(sockets.tunnels[0]))

    assert 0 < receive_buffer_drops(sockets.tunnels) < 300
    assert receive_buffer_drops(sockets.public) == 0
