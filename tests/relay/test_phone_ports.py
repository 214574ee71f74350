"""Extra ports of a relay: as settings, as sockets, and in a relay that crashes or is replaced."""

import socket

import pytest

from antiphon_proto.address import Address
from antiphon_proto.tunnel import Frame, FrameType, port_payload
from antiphon_proto.tunnel_control import Lease, Leased, control_frame
from chassis.bound_socket import bind_udp, bound_address
from chassis.host_port import HostPort
from chassis.settings import SettingError
from relay.phone_ports import MAX_PORTS, NO_PHONES, PhonePorts
from relay.sockets import Phones, deal_phones
from tests.relay.conftest import PATIENCE_S, OwnerPeer
from tests.relay.test_relay_process import RTP, wait_until

HOST = "127.0.0.1"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", NO_PHONES),
        ("20", PhonePorts(20)),
        ("40000-40019", PhonePorts(20, 40_000)),
        ("65535-65535", PhonePorts(1, 65_535)),
    ],
)
def test_reads_a_number_or_a_range(text: str, expected: PhonePorts) -> None:
    assert PhonePorts.parse(text) == expected
    assert str(expected) == text


@pytest.mark.parametrize(
    "text", ["", "-", "x", "-1", "5-", "9-8", "0-9", "1-65536", str(MAX_PORTS + 1), "1-20000"]
)
def test_refuses_what_is_neither(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        PhonePorts.parse(text)


class Dealt:
    """Phone sockets that a test leaves open."""

    def __init__(self) -> None:
        self.opened: list[socket.socket] = []

    def deal(self, had: list[Phones], wanted: PhonePorts, workers: int) -> list[Phones]:
        dealt = deal_phones(had, HOST, wanted, workers)
        self.opened += [each for phones in dealt for each in phones]
        return dealt


@pytest.fixture
def dealer():
    dealer = Dealt()
    yield dealer
    for each in dealer.opened:
        each.close()


def ports(dealt: list[Phones]) -> list[list[int]]:
    return [[bound_address(each).port for each in phones] for phones in dealt]


class TestSockets:
    def test_every_worker_has_its_share(self, dealer: Dealt) -> None:
        assert [len(phones) for phones in dealer.deal([], PhonePorts(5), 2)] == [3, 2]
        assert dealer.deal([], NO_PHONES, 2) == [(), ()]

    def test_a_worker_keeps_its_ports_and_others_are_shared_out(self, dealer: Dealt) -> None:
        had = dealer.deal([], PhonePorts(4), 2)
        before = ports(had)
        assert ports(dealer.deal(had, PhonePorts(4), 3)) == [*before, []]
        assert ports(dealer.deal(had, PhonePorts(4), 1)) == [[*before[0], *before[1]]]

    def test_the_range_says_which_are_kept(self, dealer: Dealt) -> None:
        had = dealer.deal([], PhonePorts(3), 1)
        [[first, *others]] = ports(had)
        assert ports(dealer.deal(had, PhonePorts(1, first), 1)) == [[first]]
        assert had[0][1].fileno() == -1
        assert others

    def test_a_port_in_use_is_named(self) -> None:
        with bind_udp("--x", HostPort(HOST, 0)) as taken:
            port = bound_address(taken).port
            with pytest.raises(SettingError, match=f"--phone-ports 127.0.0.1:{port}"):
                deal_phones([], HOST, PhonePorts(1, port), 1)


class PhoneCall:
    """An owner's call over a phone port of a relay."""

    def __init__(self, owner: OwnerPeer, phone: socket.socket, worker: Address) -> None:
        self.owner, self.phone, self.worker = owner, phone, worker
        self.port = 0
        owner.socket.settimeout(PATIENCE_S)

    def lease(self) -> None:
        """Ask for a port, or for the one that it had."""
        address: Address = self.phone.getsockname()
        lease = Lease(5, 30, self.port, (address,))
        self.owner.send_frames([control_frame(lease)], self.worker)
        frame, _worker = self.owner.receive()
        host, self.port = Leased.decode(frame.payload).address
        assert host == "0.0.0.0"

    def talks(self) -> bool:
        """Whether a packet comes through either way."""
        address: Address = self.phone.getsockname()
        self.phone.sendto(RTP, (HOST, self.port))
        frame, worker = self.owner.receive()
        assert frame == Frame(FrameType.PORT_DATA, address, port_payload(self.port, RTP))
        assert worker == self.worker
        self.owner.send_frames(
            [Frame(FrameType.PORT_DATA, address, port_payload(self.port, RTP[::-1]))], worker
        )
        return self.phone.recvfrom(2048) == (RTP[::-1], (HOST, self.port))


def test_a_phone_talks_over_its_port(start_relay, owner, new_client) -> None:
    relay = start_relay("--phone-ports", "2")
    call = PhoneCall(owner, new_client(), relay.tunnels[0])
    call.lease()
    assert call.talks()

    wait_until(lambda: relay.metric("phone_ports", state="leased") == 1)
    assert relay.metric("phone_ports", state="free") == 1
    assert relay.metric("fast_path", worker="0") == 1

    new_client().sendto(RTP, (HOST, call.port))
    wait_until(lambda: relay.drops().get("port_source") == 1)


def test_its_port_outlives_a_worker_and_the_relay(start_relay, owner, new_client, tmp_path) -> None:
    flags = ("--fast-path", "off", "--handover", str(tmp_path / "handover"), "--phone-ports")
    relay = start_relay(*flags, "3", "--workers", "2")
    call = PhoneCall(owner, new_client(), relay.tunnels[1])
    call.lease()
    port = call.port

    relay.workers()[1].kill()
    wait_until(lambda: relay.ready() is None and relay.metric("worker_restarts_total") == 1)
    call.lease()
    assert call.port == port
    assert call.talks()

    successor = start_relay(*flags, "4", "--workers", "2")
    assert relay.process.wait(PATIENCE_S) == 0
    assert call.talks()
    wait_until(lambda: successor.metric("phone_ports", state="free") == 3)
