from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from antiphon_proto import stun
from antiphon_proto.address import Address
from antiphon_proto.demux import PacketKind
from antiphon_proto.tunnel import (
    HEADER_BYTES,
    Frame,
    FrameType,
    TunnelReceiver,
    TunnelSender,
)
from relay.drop_reason import DropReason
from relay.flow_table import FlowTable
from relay.owner_allow_list import PRIVATE_OWNERS
from relay.router import Delivery, Forward, Router

NOW = 1_800_000_000.0
OWNER = ("10.0.0.1", 4000)
OTHER_OWNER = ("10.0.0.2", 4000)
CLIENT = ("203.0.113.7", 50_000)
TUNNEL = ("10.0.1.1", 4001)
RTP = b"\x80\x6f" + bytes(150)
SAME_ROUTER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def flows() -> FlowTable:
    return FlowTable(max_flows=100, idle_seconds=60)


@pytest.fixture
def new_router(cluster, flows: FlowTable) -> Callable[..., Router]:
    def new(*, public_host: str = "0.0.0.0", tunnel: Address = TUNNEL) -> Router:
        return Router(
            cluster.keys,
            cluster_id=0,
            owners=PRIVATE_OWNERS,
            flows=flows,
            public_host=public_host,
            tunnel=tunnel,
            epoch=1,
        )

    return new


@pytest.fixture
def router(new_router: Callable[..., Router]) -> Router:
    return new_router()


@pytest.fixture
def owner_side(cluster) -> TunnelSender:
    """A transceiver worker's sender to this relay worker."""
    return TunnelSender(cluster.keys, 77, TUNNEL)


def received_by(owner: Address, verdict: Forward | DropReason, cluster) -> Frame:
    """The frame that `owner` gets; fails unless the verdict sends it one that it accepts."""
    assert isinstance(verdict, Forward)
    assert verdict.owner == owner
    epoch, [frame] = TunnelReceiver(cluster.keys, owner).decode(verdict.datagram)
    assert epoch == 1
    return frame


def binding(message_type: int, attributes: bytes = b"") -> bytes:
    """A STUN message without integrity and fingerprint."""
    head = message_type.to_bytes(2, "big") + len(attributes).to_bytes(2, "big")
    return head + bytes.fromhex("2112a442") + b"transaction1" + attributes


class TestUpstream:
    def test_a_check_goes_to_the_owner_that_its_ufrag_names(self, router, flows, cluster) -> None:
        check = cluster.check(cluster.ufrag(OWNER))

        verdict = router.from_client(check, CLIENT, NOW)

        assert received_by(OWNER, verdict, cluster) == Frame(FrameType.DATA, CLIENT, check)
        assert verdict.kind is PacketKind.STUN
        assert len(flows) == 1

    @pytest.mark.parametrize(
        ("packet", "kind"),
        [
            (RTP, PacketKind.RTP),
            (b"\x80\xc8" + bytes(26), PacketKind.RTCP),
            (b"\x16\xfe\xfd" + bytes(60), PacketKind.DTLS),
            (binding(0x0101), PacketKind.STUN),
            (binding(0x0111), PacketKind.STUN),
            (binding(0x0011), PacketKind.STUN),
        ],
        ids=["rtp", "rtcp", "dtls", "stun success", "stun error", "stun indication"],
    )
    def test_all_but_checks_follow_the_flow(self, router, cluster, packet, kind) -> None:
        assert router.from_client(packet, CLIENT, NOW) is DropReason.NO_FLOW

        router.from_client(cluster.check(cluster.ufrag(OWNER)), CLIENT, NOW)
        verdict = router.from_client(packet, CLIENT, NOW + 1)

        assert received_by(OWNER, verdict, cluster) == Frame(FrameType.DATA, CLIENT, packet)
        assert verdict.kind is kind

    def test_a_check_is_routed_by_its_own_ufrag_and_repoints_the_flow(
        self, router, cluster
    ) -> None:
        router.from_client(cluster.check(cluster.ufrag(OWNER)), CLIENT, NOW)

        verdict = router.from_client(cluster.check(cluster.ufrag(OTHER_OWNER)), CLIENT, NOW)
        assert received_by(OTHER_OWNER, verdict, cluster).client == CLIENT

        verdict = router.from_client(RTP, CLIENT, NOW)
        assert received_by(OTHER_OWNER, verdict, cluster).payload == RTP

    def test_a_refused_check_leaves_the_flow_where_it_was(self, router, cluster) -> None:
        router.from_client(cluster.check(cluster.ufrag(OWNER)), CLIENT, NOW)

        forged = cluster.check(cluster.ufrag(OTHER_OWNER), password=b"guess")
        assert router.from_client(forged, CLIENT, NOW) is DropReason.INTEGRITY

        assert received_by(OWNER, router.from_client(RTP, CLIENT, NOW), cluster)

    def test_flows_end_with_their_client_s_silence(self, router, cluster) -> None:
        router.from_client(cluster.check(cluster.ufrag(OWNER)), CLIENT, NOW)

        assert received_by(OWNER, router.from_client(RTP, CLIENT, NOW + 59), cluster)
        assert router.from_client(RTP, CLIENT, NOW + 120) is DropReason.NO_FLOW

    def test_ipv6_client_and_owner(self, new_router, cluster) -> None:
        router = new_router(public_host="::", tunnel=("fd00::9", 4001))
        owner, client = ("fd00::1", 4000), ("2001:db8::7", 50_000)

        router.from_client(cluster.check(cluster.ufrag(owner)), client, NOW)
        verdict = router.from_client(RTP, client, NOW)

        assert received_by(owner, verdict, cluster) == Frame(FrameType.DATA, client, RTP)


def tampered(datagram: bytes, position: int) -> bytes:
    changed = bytearray(datagram)
    changed[position] ^= 0xFF
    return bytes(changed)


# What provokes each reason, from the cluster's keys and those of a stranger.
UPSTREAM_DROPS: dict[DropReason, Callable[..., bytes]] = {
    DropReason.NOT_WEBRTC: lambda ours, _: b"GET / HTTP/1.1\r\n",
    DropReason.MALFORMED_STUN: lambda ours, _: ours.check(ours.ufrag(OWNER))[:-1],
    DropReason.STUN_METHOD: lambda ours, _: binding(0x0003),
    DropReason.NO_USERNAME: lambda ours, _: binding(0x0001),
    DropReason.UFRAG_UNKNOWN_CONFIG: lambda ours, _: ours.check(
        b"/" + ours.ufrag(OWNER)[1:], password=b"any"
    ),
    DropReason.UFRAG_LENGTH: lambda ours, _: ours.check(ours.ufrag(OWNER)[:-1]),
    DropReason.UFRAG_MALFORMED: lambda ours, _: ours.check(ours.ufrag(OWNER)[:-1] + b"!"),
    DropReason.UFRAG_CHECK: lambda ours, stranger: stranger.check(stranger.ufrag(OWNER)),
    DropReason.UFRAG_EXPIRED: lambda ours, _: ours.check(
        ours.ufrag(OWNER, not_after=int(NOW) - 60)
    ),
    DropReason.INTEGRITY: lambda ours, _: ours.check(ours.ufrag(OWNER), password=b"guess"),
    DropReason.FOREIGN_CLUSTER: lambda ours, _: ours.check(ours.ufrag(OWNER, cluster_id=1)),
    DropReason.OWNER_NOT_ALLOWED: lambda ours, _: ours.check(ours.ufrag(("8.8.8.8", 53))),
    DropReason.OWNER_FAMILY: lambda ours, _: ours.check(ours.ufrag(("fd00::1", 4000))),
    DropReason.NO_FLOW: lambda ours, _: RTP,
}


def data(sender: TunnelSender) -> bytes:
    return sender.encode_data(CLIENT, RTP)


def control(sender: TunnelSender) -> bytes:
    return sender.encode([Frame(FrameType.RESET, CLIENT, b"")])


# Each gives what arrives, the last of which is dropped for the reason.
DOWNSTREAM_DROPS: dict[DropReason, Callable[..., list[bytes]]] = {
    DropReason.TUNNEL_TRUNCATED: lambda sender, _: [data(sender)[:-1]],
    DropReason.TUNNEL_VERSION: lambda sender, _: [tampered(data(sender), 0)],
    DropReason.TUNNEL_TAG: lambda _, strangers: [data(strangers)],
    DropReason.TUNNEL_MAC: lambda sender, _: [tampered(control(sender), -1)],
    DropReason.TUNNEL_REPLAY: lambda sender, _: [control(sender)] * 2,
    DropReason.TUNNEL_FRAME: lambda sender, _: [tampered(data(sender), HEADER_BYTES + 2)],
    DropReason.UNSUPPORTED_CONTROL: lambda sender, _: [control(sender)],
    DropReason.CLIENT_FAMILY: lambda sender, _: [sender.encode_data(("2001:db8::7", 5), RTP)],
}

DROPPED_BY_THE_WORKER = {
    DropReason.OVERSIZED,
    DropReason.OWNER_SEND_FAILED,
    DropReason.CLIENT_SEND_FAILED,
}


class TestDrops:
    def test_every_reason_is_provoked(self) -> None:
        by_the_router = UPSTREAM_DROPS.keys() | DOWNSTREAM_DROPS.keys()
        assert by_the_router | DROPPED_BY_THE_WORKER == set(DropReason)

    @pytest.mark.parametrize("reason", UPSTREAM_DROPS, ids=lambda reason: reason.value)
    def test_upstream(self, router, flows, cluster, stranger, reason) -> None:
        datagram = UPSTREAM_DROPS[reason](cluster, stranger)

        assert router.from_client(datagram, CLIENT, NOW) is reason
        assert len(flows) == 0

    @pytest.mark.parametrize("reason", DOWNSTREAM_DROPS, ids=lambda reason: reason.value)
    def test_downstream(self, router, owner_side, stranger, reason) -> None:
        strangers_side = TunnelSender(stranger.keys, 77, TUNNEL)

        arriving = DOWNSTREAM_DROPS[reason](owner_side, strangers_side)

        assert [router.from_tunnel(datagram) for datagram in arriving][-1] == [reason]

    def test_a_datagram_meant_for_another_relay_worker(self, router, cluster) -> None:
        for_the_sibling = TunnelSender(cluster.keys, 77, ("10.0.1.1", 4002))

        assert router.from_tunnel(data(for_the_sibling)) == [DropReason.TUNNEL_TAG]

    def test_a_check_without_integrity(self, router, flows, cluster) -> None:
        username = cluster.ufrag(OWNER) + b":peer"
        attribute = b"\x00\x06" + len(username).to_bytes(2, "big") + username
        check = binding(0x0001, attribute + bytes(-len(username) % 4))

        assert router.from_client(check, CLIENT, NOW) is DropReason.INTEGRITY
        assert len(flows) == 0

    def test_a_username_without_a_colon(self, router) -> None:
        check = stun.binding_request(
            b"transaction1",
            username=b"alice",
            password=b"secret",
            priority=1,
            tie_breaker=2,
            controlling=True,
        )

        assert router.from_client(check, CLIENT, NOW) is DropReason.NO_USERNAME


class TestDownstream:
    def test_needs_no_flow(self, router, flows, owner_side) -> None:
        assert router.from_tunnel(data(owner_side)) == [Delivery(RTP, CLIENT, PacketKind.RTP)]
        assert len(flows) == 0

    def test_each_frame_goes_to_its_own_client(self, router, owner_side) -> None:
        clients = [("203.0.113.7", port) for port in range(1, 5)]

        verdicts = router.from_tunnel(
            owner_side.encode([Frame(FrameType.DATA, client, RTP) for client in clients])
        )

        assert [verdict.client for verdict in verdicts] == clients

    def test_a_control_frame_does_not_hold_up_the_data_beside_it(self, router, owner_side) -> None:
        frames = [Frame(FrameType.RESET, CLIENT, b""), Frame(FrameType.DATA, CLIENT, RTP)]

        assert router.from_tunnel(owner_side.encode(frames)) == [
            DropReason.UNSUPPORTED_CONTROL,
            Delivery(RTP, CLIENT, PacketKind.RTP),
        ]


class TestHostileInput:
    @SAME_ROUTER
    @given(st.binary() | st.binary(min_size=16).map(lambda tail: binding(0x0001, tail)))
    def test_arbitrary_bytes_from_a_client_are_dropped(self, router, flows, datagram) -> None:
        assert isinstance(router.from_client(datagram, CLIENT, NOW), DropReason)
        assert len(flows) == 0

    @SAME_ROUTER
    @given(st.data())
    def test_a_check_changed_anywhere_is_dropped(self, router, flows, cluster, data) -> None:
        check = cluster.check(cluster.ufrag(OWNER))
        fingerprint_bytes = 8  # Its type is not protected, nor is anything after the integrity.
        position = data.draw(st.integers(0, len(check) - fingerprint_bytes - 1))
        bit = data.draw(st.integers(0, 7))
        changed = bytearray(check)
        changed[position] ^= 1 << bit

        assert isinstance(router.from_client(bytes(changed), CLIENT, NOW), DropReason)
        assert len(flows) == 0

    @SAME_ROUTER
    @given(st.binary() | st.binary().map(lambda tail: b"\x10\x00\x00\x00" + tail))
    def test_arbitrary_bytes_from_the_tunnel_are_delivered_to_nobody(
        self, router, datagram
    ) -> None:
        [verdict] = router.from_tunnel(datagram)
        assert isinstance(verdict, DropReason)

    @SAME_ROUTER
    @given(st.binary())
    def test_a_member_s_arbitrary_frames_raise_nothing(self, router, owner_side, frames) -> None:
        router.from_tunnel(data(owner_side)[:HEADER_BYTES] + frames)
