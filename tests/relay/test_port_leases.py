"""Phone ports: who has which, and what each lets through."""

import pytest

from antiphon_proto.address import Address
from antiphon_proto.tunnel import Frame, FrameType, TunnelReceiver, TunnelSender, port_payload
from antiphon_proto.tunnel_control import Lease, Leased, Release, Reset, control_frame
from relay.drop_reason import DropReason
from relay.failure_limiter import FailureLimiter
from relay.flow_table import FlowTable
from relay.owner_allow_list import PRIVATE_OWNERS
from relay.port_leases import (
    NAMED_PACKETS_PER_SECOND,
    OTHER_PACKETS_PER_SECOND,
    LeaseSnapshot,
    PortLeases,
)
from relay.router import Router
from relay.verdicts import Answer, Forward, FromTunnel, PortDelivery

NOW = 1000.0
OWNER, OTHER_OWNER = ("10.0.0.1", 4000), ("10.0.0.2", 4000)
TUNNEL = ("10.0.1.1", 4001)
PHONE, PHONE_RTCP = ("203.0.113.7", 5004), ("203.0.113.7", 61_005)
STRANGER = ("198.51.100.66", 5004)
ANY_PORT, ANYBODY = (PHONE[0], 0), ("0.0.0.0", 0)
PORTS = (40_000, 40_001)
RTP = b"\x80\x00" + bytes(10) + bytes(160)
LATCHED = (PHONE, ANY_PORT)


class Bench:
    """A router with two phone ports, and owners that talk to it."""

    def __init__(self, cluster, ports: tuple[int, ...] = PORTS) -> None:
        self.keys = cluster.keys
        self.leases = PortLeases(ports)
        self.router = Router(
            cluster.keys,
            cluster_id=0,
            owners=PRIVATE_OWNERS,
            flows=FlowTable(max_flows=10),
            limiter=FailureLimiter(),
            families=frozenset({4}),
            tunnel=TUNNEL,
            siblings=(),
            epoch=1,
            leases=self.leases,
            phone_host="192.0.2.1",
        )
        self.now = NOW

    def told(self, *frames: Frame, source: Address = OWNER, epoch: int = 77) -> list[FromTunnel]:
        datagram = TunnelSender(self.keys, epoch, TUNNEL).encode(frames)
        return self.router.from_tunnel(datagram, source, self.now)

    def lease(
        self,
        id_: int = 1,
        *sources: Address,
        port: int = 0,
        lifetime: int = 30,
        source: Address = OWNER,
        epoch: int = 77,
    ) -> int:
        """The port that the worker says the owner has, 0 for none."""
        message = Lease(id_, lifetime, port, sources or LATCHED)
        [answer] = self.told(control_frame(message), source=source, epoch=epoch)
        assert isinstance(answer, Answer)
        assert answer.owner == source
        _epoch, [frame] = TunnelReceiver(self.keys, source).decode(answer.datagram)
        leased = Leased.decode(frame.payload)
        assert (leased.id, leased.address[0]) == (id_, "192.0.2.1")
        return leased.address[1]

    def up(self, port: int, client: Address = PHONE, datagram: bytes = RTP):
        return self.router.from_phone(datagram, port, client, self.now)

    def down(self, port: int, client: Address = PHONE, source: Address = OWNER) -> FromTunnel:
        [verdict] = self.told(
            Frame(FrameType.PORT_DATA, client, port_payload(port, RTP)), source=source
        )
        return verdict


@pytest.fixture
def bench(cluster) -> Bench:
    return Bench(cluster)


def is_forwarded(bench: Bench, verdict: object, port: int, client: Address = PHONE) -> bool:
    if not isinstance(verdict, Forward):
        return False
    _epoch, [frame] = TunnelReceiver(bench.keys, verdict.owner).decode(verdict.datagram)
    return frame == Frame(FrameType.PORT_DATA, client, port_payload(port, RTP))


class TestLeasing:
    def test_each_lease_has_a_port_of_its_own_until_there_is_none(self, bench: Bench) -> None:
        assert {bench.lease(1), bench.lease(2)} == set(PORTS)
        assert bench.lease(3) == 0
        assert bench.leases.refused == 1

    def test_asking_again_changes_nothing_but_time_and_sources(self, bench: Bench) -> None:
        port = bench.lease(1, ANY_PORT)
        bench.now += 29
        assert bench.lease(1, STRANGER) == port
        bench.now += 29
        assert isinstance(bench.up(port, STRANGER), Forward)
        assert bench.up(port) is DropReason.PORT_SOURCE
        assert bench.leases.held == 1

    def test_what_is_not_asked_for_again_ends(self, bench: Bench) -> None:
        port = bench.lease()
        bench.now += 30
        assert bench.up(port) is DropReason.PORT_NOT_LEASED
        assert bench.down(port) is DropReason.PORT_NOT_HELD
        bench.leases.sweep(bench.now)
        assert bench.leases.held == 0

    def test_a_released_port_is_the_last_to_be_leased_again(self, bench: Bench) -> None:
        first = bench.lease(1)
        assert bench.told(control_frame(Release(1))) == []
        assert bench.lease(2) != first
        assert bench.lease(3) == first

    @pytest.mark.parametrize("release", [Release(9), Release(1)])
    def test_nobody_else_gives_a_lease_back(self, bench: Bench, release: Release) -> None:
        port = bench.lease(1)
        bench.told(control_frame(release), source=OTHER_OWNER)
        bench.told(control_frame(Release(9)))
        assert is_forwarded(bench, bench.up(port), port)

    def test_a_reset_frees_what_the_owners_other_lives_leased(self, bench: Bench) -> None:
        earlier, other = bench.lease(1, epoch=76), bench.lease(2, source=OTHER_OWNER)
        bench.told(control_frame(Reset(0)))
        assert bench.up(earlier) is DropReason.PORT_NOT_LEASED
        assert is_forwarded(bench, bench.up(other), other)

    def test_a_restarted_worker_gives_the_ports_that_owners_name(self, cluster) -> None:
        again = Bench(cluster)
        assert again.lease(7, port=PORTS[1]) == PORTS[1]
        assert again.lease(8, port=PORTS[1], source=OTHER_OWNER) == 0
        assert again.lease(9, port=12) == 0
        assert again.lease(10) == PORTS[0]

    def test_a_draining_worker_leases_nothing_new(self, bench: Bench) -> None:
        port = bench.lease(1)
        bench.router.draining = True
        assert bench.lease(1) == port
        assert bench.lease(2) == 0

    def test_strangers_lease_nothing(self, bench: Bench) -> None:
        lease = control_frame(Lease(1, 30, 0, LATCHED))
        assert bench.told(lease, source=("8.8.8.8", 53)) == [DropReason.OWNER_NOT_ALLOWED]
        assert bench.leases.held == 0

    def test_a_successor_goes_on_with_those_of_its_own_ports(self, bench: Bench) -> None:
        port = bench.lease(1)
        bench.now += 10
        snapshot = bench.leases.snapshot(bench.now)
        assert snapshot == [LeaseSnapshot(port, OWNER, 77, 1, 20, LATCHED)]
        for ports, held in ((PORTS, 1), ((12,), 0)):
            successor = PortLeases(ports)
            successor.restore(snapshot, 5.0)
            successor.restore(snapshot, 5.0)
            assert (successor.held, successor.ports) == (held, len(ports))
            assert (successor.owner_for(port, PHONE, 24.0) == OWNER) is bool(held)
            assert successor.owner_for(port, PHONE, 25.0) is DropReason.PORT_NOT_LEASED


class TestTraffic:
    @pytest.mark.parametrize(
        ("sources", "client", "passes"),
        [
            ((ANY_PORT,), PHONE, True),
            ((ANY_PORT,), PHONE_RTCP, True),
            ((ANY_PORT,), STRANGER, False),
            ((PHONE,), PHONE, True),
            ((PHONE,), PHONE_RTCP, False),
            ((ANYBODY,), STRANGER, True),
            ((("::", 0),), STRANGER, True),
        ],
    )
    def test_what_the_owner_named_comes_through(
        self, bench: Bench, sources: tuple[Address, ...], client: Address, passes: bool
    ) -> None:
        port = bench.lease(1, *sources)
        verdict = bench.up(port, client)
        if passes:
            assert is_forwarded(bench, verdict, port, client)
        else:
            assert verdict is DropReason.PORT_SOURCE

    def test_a_lease_without_sources_lets_nobody_through(self, bench: Bench) -> None:
        [_] = bench.told(control_frame(Lease(1, 30, PORTS[0], ())))
        assert bench.up(PORTS[0]) is DropReason.PORT_SOURCE

    def test_what_is_no_media_is_dropped(self, bench: Bench) -> None:
        port = bench.lease()
        assert bench.up(port, datagram=b"\r\n\r\n") is DropReason.NOT_WEBRTC

    @pytest.mark.parametrize(
        ("client", "rate"),
        [(PHONE, NAMED_PACKETS_PER_SECOND), (PHONE_RTCP, OTHER_PACKETS_PER_SECOND)],
    )
    def test_no_more_than_one_phone_sends(self, bench: Bench, client: Address, rate: int) -> None:
        port = bench.lease()
        burst = [bench.up(port, client) for _ in range(2 * rate)]
        assert burst.count(DropReason.PORT_RATE) == rate
        bench.now += 0.5
        later = [bench.up(port, client) for _ in range(rate)]
        assert abs(later.count(DropReason.PORT_RATE) - rate // 2) <= 1

    def test_a_flood_from_the_phones_host_costs_the_phone_nothing(self, bench: Bench) -> None:
        port = bench.lease()
        for _ in range(1000):
            bench.up(port, PHONE_RTCP)
        assert is_forwarded(bench, bench.up(port), port)

    def test_the_owner_answers_by_the_port(self, bench: Bench) -> None:
        port = bench.lease()
        verdict = bench.down(port)
        assert isinstance(verdict, PortDelivery)
        assert (verdict.port, verdict.client, verdict.payload) == (port, PHONE, RTP)

    @pytest.mark.parametrize("client", [STRANGER, PHONE_RTCP, ANY_PORT])
    def test_nothing_leaves_for_an_address_that_is_not_named_whole(
        self, bench: Bench, client: Address
    ) -> None:
        assert bench.down(bench.lease(), client) is DropReason.PORT_DESTINATION

    def test_nobody_else_sends_from_the_port(self, bench: Bench) -> None:
        assert bench.down(bench.lease(), source=OTHER_OWNER) is DropReason.PORT_NOT_HELD
        assert bench.down(PORTS[1]) is DropReason.PORT_NOT_HELD
        assert bench.down(12) is DropReason.PORT_NOT_HELD


def test_a_frame_without_a_port_is_none(cluster) -> None:
    assert Bench(cluster).told(Frame(FrameType.PORT_DATA, PHONE, b"\x80")) == [
        DropReason.TUNNEL_FRAME
    ]
