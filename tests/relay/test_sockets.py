import select
import socket
from collections.abc import Iterator
from contextlib import suppress

import pytest

from chassis.bound_socket import bind_udp, bound_address
from chassis.host_port import HostPort
from chassis.settings import SettingError
from relay.public_addresses import PublicAddresses
from relay.sockets import RelaySockets, adopt_sockets, discard_waiting, leave_group, open_sockets

ANY = HostPort("127.0.0.1", 0)
ANY_PUBLIC = PublicAddresses((ANY,))
BOTH_FAMILIES = PublicAddresses.parse("127.0.0.1:0,[::1]:0")


@pytest.fixture
def sockets() -> Iterator[RelaySockets]:
    opened = open_sockets(ANY_PUBLIC, ANY, workers=3)
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
            sockets = open_sockets(ANY_PUBLIC, HostPort("127.0.0.1", base), workers=3)
            break
    assert [bound_address(each).port - base for each in sockets.tunnels] == [0, 1, 2]
    sockets.close()


def test_refuses_a_public_port_in_use_though_its_holder_would_share_it(
    sockets: RelaySockets,
) -> None:
    taken = bound_address(sockets.public[0])
    for host in ("127.0.0.1", "0.0.0.0"):
        with pytest.raises(SettingError, match=rf"--public {host}:{taken.port}: .*in use"):
            open_sockets(PublicAddresses((HostPort(host, taken.port),)), ANY, workers=2)


def test_refuses_a_tunnel_port_in_use(sockets: RelaySockets) -> None:
    with pytest.raises(SettingError, match=r"--tunnel .*in use"):
        open_sockets(ANY_PUBLIC, bound_address(sockets.tunnels[0]), workers=1)


def test_refuses_a_tunnel_port_with_too_few_above_it() -> None:
    with pytest.raises(SettingError, match=r"--tunnel 127.0.0.1:65535"):
        open_sockets(ANY_PUBLIC, HostPort("127.0.0.1", 65535), workers=2)


def test_refuses_an_address_that_is_not_this_machine() -> None:
    with pytest.raises(SettingError, match=r"--public 192\.0\.2\.1"):
        open_sockets(PublicAddresses.parse("192.0.2.1:0"), ANY, workers=1)


def test_ipv6() -> None:
    sockets = open_sockets(PublicAddresses.parse("[::1]:0"), HostPort("::1", 0), workers=2)
    assert {each.family for each in (*sockets.public, *sockets.tunnels)} == {socket.AF_INET6}
    assert sockets.families == {6}
    sockets.close()


def test_a_worker_has_a_public_socket_of_each_family() -> None:
    sockets = open_sockets(BOTH_FAMILIES, ANY, workers=2)

    for index in range(2):
        addresses = tuple(map(bound_address, sockets.publics(index)))
        assert addresses == sockets.addresses.addresses
    assert sockets.families == {4, 6}
    sockets.close()


def test_closed_public_sockets_can_be_opened_again(sockets: RelaySockets) -> None:
    sockets.close_publics(1)

    assert sockets.publics(1) == ()
    assert sockets.some_publics(1) == sockets.publics(0)
    assert len(sockets.public) == 2

    sockets.open_publics(1)
    sockets.open_publics(1)

    assert len(sockets.public) == 3
    assert len({bound_address(each) for each in sockets.public}) == 1


def test_clients_of_a_closed_socket_reach_the_others(sockets: RelaySockets) -> None:
    sockets.close_publics(0)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.bind(("127.0.0.1", 0))
        for _ in range(20):
            client.sendto(b"hello", bound_address(sockets.public[0]))

    readable, _, _ = select.select(sockets.public, (), (), 10)
    assert readable


def adopted(had: RelaySockets, workers: int, **wanted) -> RelaySockets:
    return adopt_sockets(
        [had.publics(index) for index in range(3)],
        had.tunnels,
        **{"public": ANY_PUBLIC, "tunnel": ANY, **wanted},
        workers=workers,
    )


def test_adopts_what_another_relay_had(sockets: RelaySockets) -> None:
    ours = adopted(
        sockets, 3, public=PublicAddresses.parse(f"localhost:{sockets.addresses.addresses[0].port}")
    )

    assert ours.public == sockets.public
    assert ours.tunnels == sockets.tunnels
    assert ours.addresses == sockets.addresses


def test_fewer_workers_give_up_the_surplus(sockets: RelaySockets) -> None:
    ours = adopted(sockets, 2)

    assert ours.tunnels == sockets.tunnels[:2]
    assert sockets.tunnels[2].fileno() == sockets.publics(2)[0].fileno() == -1


def test_more_workers_get_tunnels_at_once_and_public_sockets_later(sockets: RelaySockets) -> None:
    ours = adopted(sockets, 5)

    assert len({bound_address(each) for each in ours.tunnels}) == 5
    assert (ours.publics(3), ours.publics(4)) == ((), ())
    ours.open_publics(4)
    assert bound_address(ours.publics(4)[0]) == ours.addresses.addresses[0]
    ours.close()


@pytest.mark.parametrize(
    ("flag", "wanted"),
    [
        ("--public", {"public": PublicAddresses.parse("127.0.0.2:0")}),
        ("--public", {"public": BOTH_FAMILIES}),
        ("--tunnel", {"tunnel": HostPort("127.0.0.2", 0)}),
        ("--tunnel", {"tunnel": HostPort("127.0.0.1", 9)}),
    ],
)
def test_refuses_to_adopt_other_addresses(sockets: RelaySockets, flag: str, wanted: dict) -> None:
    with pytest.raises(SettingError, match=f"{flag} .*: the relay to replace has 127.0.0.1:"):
        adopted(sockets, 3, **wanted)

    assert {each.fileno() for each in (*sockets.public, *sockets.tunnels)} == {-1}


def test_counts_what_did_not_fit_the_receive_buffer(sockets: RelaySockets) -> None:
    assert sockets.tunnel_drops() == 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for _ in range(300):
            sender.sendto(bytes(60_000), bound_address(sockets.tunnels[0]))

    assert 0 < sockets.tunnel_drops() < 300
    assert sockets.public_drops() == 0


def test_remembers_what_closed_sockets_dropped(sockets: RelaySockets) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for _ in range(300):
            sender.sendto(bytes(60_000), sockets.addresses.addresses[0])
    dropped = sockets.public_drops()
    assert dropped

    for index in range(3):
        sockets.close_publics(index)

    assert sockets.public_drops() == dropped


def test_what_waits_in_a_socket_is_discarded() -> None:
    with bind_udp("--tunnel", ANY) as bound, socket.socket(type=socket.SOCK_DGRAM) as owner:
        owner.connect(bound.getsockname())
        for datagram in (b"", b"late", bytes(1400)):
            owner.send(datagram)
        discard_waiting(bound)
        with pytest.raises(BlockingIOError):
            bound.recv(1)
        owner.send(b"new")
        assert bound.recv(2048) == b"new"


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "::1", "::"])
def test_a_socket_that_left_its_group_keeps_what_waits_and_gets_no_more(host: str) -> None:
    sockets = open_sockets(PublicAddresses((HostPort(host, 0),)), ANY, workers=2)
    family, loopback = sockets.public[0].family, "::1" if ":" in host else "127.0.0.1"
    port = bound_address(sockets.public[0]).port
    with socket.socket(family, socket.SOCK_DGRAM) as client:
        client.connect((loopback, port))
        client.send(b"waits")
        chosen = select.select(sockets.public, (), (), 10)[0][0]
        [sibling] = [each for each in sockets.public if each is not chosen]
        leave_group(chosen)
        client.send(b"comes")
        assert select.select([sibling], (), (), 10)[0]
        assert sibling.recv(16) == b"comes"
        assert chosen.recv(16) == b"waits"
        assert select.select([chosen], (), (), 0)[0] == []
    sockets.close()
