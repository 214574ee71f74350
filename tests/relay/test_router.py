import binascii
import hmac
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from antiphon_proto import stun
from antiphon_proto.address import Address
from antiphon_proto.cluster_keys import ClusterKeys
from antiphon_proto.demux import PacketKind, packet_kind
from antiphon_proto.tunnel import (
    HEADER_BYTES,
    Frame,
    FrameType,
    TunnelReceiver,
    TunnelSender,
)
from antiphon_proto.tunnel_control import (
    Bind,
    ControlMessage,
    Hello,
    Reset,
    Unbind,
    UnbindReason,
    control_frame,
    control_message,
)
from antiphon_proto.ufrag import UfragReader
from relay.drop_reason import DropReason
from relay.failure_limiter import BURST, FailureLimiter
from relay.flow_table import FlowTable
from relay.flows import PROVISIONAL_SECONDS, SSRC_PACKETS_PER_SECOND, FlowState
from relay.owner_allow_list import PRIVATE_OWNERS
from relay.router import Router
from relay.verdicts import Answer, Delivery, Forward, FromTunnel

NOW = 1000.0
UNIX_NOW = 1_800_000_000.0
OWNER = ("10.0.0.1", 4000)
OTHER_OWNER = ("10.0.0.2", 4000)
CLIENT = ("203.0.113.7", 50_000)
ATTACKER = ("198.51.100.66", 6666)
TUNNEL = ("10.0.1.1", 4001)
SIBLINGS = (("10.0.1.1", 4002), ("10.0.1.1", 4003))
EPOCH = 1
OWNER_EPOCH = 77
SSRC = 0x01020304
RTP = b"\x80\x6f" + bytes(6) + SSRC.to_bytes(4, "big") + bytes(140)
RTCP = b"\x80\xc9\x00\x01" + SSRC.to_bytes(4, "big")
DTLS = b"\x16\xfe\xfd" + bytes(60)
SAME_ROUTER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def flows() -> FlowTable:
    return FlowTable(max_flows=100)


@pytest.fixture
def verified() -> list[int]:
    """The config ids of the checks that the router verified."""
    return []


@pytest.fixture
def new_router(cluster, flows: FlowTable, verified: list[int]) -> Callable[..., Router]:
    def new(
        *,
        keys: ClusterKeys = cluster.keys,
        tunnel: Address = TUNNEL,
        table: FlowTable = flows,
    ) -> Router:
        return Router(
            keys,
            cluster_id=0,
            owners=PRIVATE_OWNERS,
            flows=table,
            limiter=FailureLimiter(),
            families=frozenset({4}),
            tunnel=tunnel,
            siblings=SIBLINGS,
            epoch=EPOCH,
            check_verified=verified.append,
        )

    return new


@pytest.fixture
def router(new_router: Callable[..., Router]) -> Router:
    return new_router()


@pytest.fixture
def owner_side(cluster) -> TunnelSender:
    """A transceiver worker's sender to this relay worker."""
    return TunnelSender(cluster.keys, OWNER_EPOCH, TUNNEL)


@pytest.fixture
def tell(router: Router, owner_side: TunnelSender) -> Callable[..., list[FromTunnel]]:
    """What becomes of a control message."""

    def tell(
        message: ControlMessage,
        client: Address = CLIENT,
        *,
        source: Address = OWNER,
        now: float = NOW,
        sender: TunnelSender = owner_side,
    ) -> list[FromTunnel]:
        return router.from_tunnel(sender.encode([control_frame(message, client)]), source, now)

    return tell


def bind(*ssrcs: int, confirmed: bool = True, lifetime: int = 30) -> Bind:
    return Bind(lifetime, confirmed, ssrcs)


def up(
    router: Router, datagram: bytes, client: Address = CLIENT, now: float = NOW
) -> Forward | DropReason:
    return router.from_client(datagram, client, now, UNIX_NOW)


def down(
    router: Router, sender: TunnelSender, payload: bytes = RTP, client: Address = CLIENT
) -> FromTunnel:
    [verdict] = router.from_tunnel(sender.encode_data(client, payload), OWNER, NOW)
    return verdict


def received_by(owner: Address, verdict: Forward | DropReason, cluster) -> Frame:
    """The frame that `owner` gets; fails unless the verdict sends it one that it accepts."""
    assert isinstance(verdict, Forward)
    assert verdict.owner == owner
    epoch, [frame] = TunnelReceiver(cluster.keys, owner).decode(verdict.datagram)
    assert epoch == EPOCH
    return frame


def binding(message_type: int, attributes: bytes = b"") -> bytes:
    """A STUN message without integrity and fingerprint."""
    head = message_type.to_bytes(2, "big") + len(attributes).to_bytes(2, "big")
    return head + bytes.fromhex("2112a442") + b"transaction1" + attributes


def without_integrity(ufrag: bytes) -> bytes:
    """A check that anyone can make who saw the ufrag."""
    username = ufrag + b":peer"
    attribute = b"\x00\x06" + len(username).to_bytes(2, "big") + username
    return binding(0x0001, attribute + bytes(-len(username) % 4))


class TestUpstream:
    def test_a_check_goes_to_the_owner_that_its_ufrag_names(self, router, flows, cluster) -> None:
        check = cluster.check(cluster.ufrag(OWNER))

        verdict = up(router, check)

        assert received_by(OWNER, verdict, cluster) == Frame(FrameType.DATA, CLIENT, check)
        assert verdict.kind is PacketKind.STUN
        assert flows.find(CLIENT, NOW).state is FlowState.PROVISIONAL

    @pytest.mark.parametrize(
        ("packet", "kind"),
        [
            (RTP, PacketKind.RTP),
            (RTCP, PacketKind.RTCP),
            (DTLS, PacketKind.DTLS),
            (binding(0x0101), PacketKind.STUN),
            (binding(0x0111), PacketKind.STUN),
            (binding(0x0011), PacketKind.STUN),
        ],
        ids=["rtp", "rtcp", "dtls", "stun success", "stun error", "stun indication"],
    )
    def test_all_but_checks_follow_the_flow(self, router, cluster, packet, kind) -> None:
        assert up(router, packet) is DropReason.NO_FLOW

        up(router, cluster.check(cluster.ufrag(OWNER)))
        verdict = up(router, packet, now=NOW + 1)

        assert received_by(OWNER, verdict, cluster) == Frame(FrameType.DATA, CLIENT, packet)
        assert verdict.kind is kind

    def test_a_ufrag_of_16_characters_routes_as_well(self, router, cluster) -> None:
        ufrag = cluster.short_ufrag(OWNER, not_after=int(UNIX_NOW) + 7200)
        assert len(ufrag) == 16

        assert received_by(OWNER, up(router, cluster.check(ufrag)), cluster).client == CLIENT
        forged = cluster.check(ufrag, password=b"guess")
        assert up(router, forged, ATTACKER) is DropReason.INTEGRITY

    def test_a_check_is_routed_by_its_own_ufrag_and_repoints_a_provisional_flow(
        self, router, cluster
    ) -> None:
        up(router, cluster.check(cluster.ufrag(OWNER)))

        verdict = up(router, cluster.check(cluster.ufrag(OTHER_OWNER)))
        assert received_by(OTHER_OWNER, verdict, cluster).client == CLIENT

        assert received_by(OTHER_OWNER, up(router, RTP), cluster).payload == RTP

    def test_a_check_for_another_owner_passes_a_bound_flow_by(self, router, tell, cluster) -> None:
        tell(bind())

        verdict = up(router, cluster.check(cluster.ufrag(OTHER_OWNER)))

        assert received_by(OTHER_OWNER, verdict, cluster).client == CLIENT
        assert received_by(OWNER, up(router, RTP), cluster).payload == RTP

    @pytest.mark.parametrize("client", [CLIENT, ("198.51.100.77", 61000)])
    def test_after_an_ice_restart_checks_reach_the_same_owner_by_another_ufrag(
        self, router, tell, cluster, client
    ) -> None:
        """From the address that the call has, and from another network's."""
        up(router, cluster.check(cluster.ufrag(OWNER)))
        tell(bind())

        restarted = cluster.check(cluster.ufrag(OWNER, not_after=int(UNIX_NOW) + 600))
        assert received_by(OWNER, up(router, restarted, client), cluster).client == client
        assert received_by(OWNER, up(router, RTP), cluster).client == CLIENT

    def test_a_refused_check_leaves_the_flow_where_it_was(self, router, cluster) -> None:
        up(router, cluster.check(cluster.ufrag(OWNER)))

        forged = cluster.check(cluster.ufrag(OTHER_OWNER), password=b"guess")
        assert up(router, forged) is DropReason.INTEGRITY

        assert received_by(OWNER, up(router, RTP), cluster)

    def test_a_provisional_flow_ends_without_verified_checks(self, router, cluster) -> None:
        check = cluster.check(cluster.ufrag(OWNER))
        up(router, check)

        for seconds in range(0, PROVISIONAL_SECONDS, 10):
            assert received_by(OWNER, up(router, check, now=NOW + seconds), cluster)

        # The checks after the first were the owner's to verify; this one is verified again.
        assert up(router, RTP, now=NOW + PROVISIONAL_SECONDS) is DropReason.NO_FLOW
        assert received_by(OWNER, up(router, check, now=NOW + PROVISIONAL_SECONDS), cluster)

    def test_ipv6_client_and_owner(self, new_router, cluster) -> None:
        router = new_router(tunnel=("fd00::9", 4001))
        owner, client = ("fd00::1", 4000), ("2001:db8::7", 50_000)

        up(router, cluster.check(cluster.ufrag(owner)), client)
        verdict = up(router, RTP, client)

        assert received_by(owner, verdict, cluster) == Frame(FrameType.DATA, client, RTP)

    @pytest.mark.parametrize("packet", [RTP, RTCP, DTLS], ids=["rtp", "rtcp", "dtls"])
    def test_an_address_that_signaling_named_carries_media_both_ways_without_a_check(
        self, router, tell, owner_side, cluster, packet
    ) -> None:
        tell(bind())

        down_verdicts = [down(router, owner_side, packet) for _ in range(100)]
        assert down_verdicts == [Delivery(packet, CLIENT, packet_kind(packet))] * 100
        assert received_by(OWNER, up(router, packet), cluster).payload == packet

    def test_verified_checks_are_counted_by_config(self, router, cluster, verified) -> None:
        check = cluster.check(cluster.ufrag(OWNER))
        up(router, check)
        up(router, check)
        up(router, check, ("203.0.113.8", 1))
        up(router, cluster.check(cluster.ufrag(OWNER), password=b"guess"), ("203.0.113.8", 2))

        assert verified == [0, 0]


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
        ours.ufrag(OWNER, not_after=int(UNIX_NOW) - 60)
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
    return sender.encode([control_frame(Reset(1))])


# Each gives what arrives, the last of which is dropped for the reason.
DOWNSTREAM_DROPS: dict[DropReason, Callable[..., list[bytes]]] = {
    DropReason.TUNNEL_TRUNCATED: lambda sender, _: [data(sender)[:-1]],
    DropReason.TUNNEL_VERSION: lambda sender, _: [tampered(data(sender), 0)],
    DropReason.TUNNEL_TAG: lambda _, strangers: [data(strangers)],
    DropReason.TUNNEL_MAC: lambda sender, _: [tampered(control(sender), -1)],
    DropReason.TUNNEL_REPLAY: lambda sender, _: [control(sender)] * 2,
    DropReason.TUNNEL_FRAME: lambda sender, _: [tampered(data(sender), HEADER_BYTES + 2)],
    DropReason.CLIENT_FAMILY: lambda sender, _: [sender.encode_data(("2001:db8::7", 5), RTP)],
}

DROPPED_BY_STATE = {
    DropReason.RATE_LIMITED,
    DropReason.DRAINING,
    DropReason.TABLE_FULL,
    DropReason.SSRC_RATE,
    DropReason.BIND_CONFLICT,
    DropReason.BIND_TABLE_FULL,
    DropReason.PROVISIONAL_ALLOWANCE,
}
"""Each has a test of its own below."""

DROPPED_BY_PHONE_PORTS = {
    DropReason.PORT_NOT_LEASED,
    DropReason.PORT_SOURCE,
    DropReason.PORT_RATE,
    DropReason.PORT_NOT_HELD,
    DropReason.PORT_DESTINATION,
}
"""Each has a test in `test_port_leases`."""

DROPPED_IN_TRANSIT = {
    DropReason.CLUSTER_UNREACHABLE,
    DropReason.TRANSIT_REFUSED,
    DropReason.TRANSIT_CLUSTER,
    DropReason.TRANSIT_OWNER,
    DropReason.TRANSIT_FRAME,
    DropReason.RELAY_NOT_ALLOWED,
}
"""Each has a test in `test_transit`."""

DROPPED_BY_THE_WORKER = {
    DropReason.TRANSIT_SEND_FAILED,
    DropReason.OVERSIZED,
    DropReason.OWNER_SEND_FAILED,
    DropReason.CLIENT_SEND_FAILED,
    DropReason.PUNT_QUEUE_FULL,
    DropReason.TUNNEL_PUNT_QUEUE_FULL,
}


class TestDrops:
    def test_every_reason_is_provoked(self) -> None:
        by_the_router = UPSTREAM_DROPS.keys() | DOWNSTREAM_DROPS.keys() | DROPPED_BY_STATE
        elsewhere = DROPPED_BY_THE_WORKER | DROPPED_BY_PHONE_PORTS | DROPPED_IN_TRANSIT
        assert by_the_router | elsewhere == set(DropReason)

    @pytest.mark.parametrize("reason", UPSTREAM_DROPS, ids=lambda reason: reason.value)
    def test_upstream(self, router, flows, cluster, stranger, reason) -> None:
        datagram = UPSTREAM_DROPS[reason](cluster, stranger)

        assert up(router, datagram) is reason
        assert flows.provisional == 0

    @pytest.mark.parametrize("reason", DOWNSTREAM_DROPS, ids=lambda reason: reason.value)
    def test_downstream(self, router, owner_side, stranger, reason) -> None:
        strangers_side = TunnelSender(stranger.keys, OWNER_EPOCH, TUNNEL)

        arriving = DOWNSTREAM_DROPS[reason](owner_side, strangers_side)

        verdicts = [router.from_tunnel(datagram, OWNER, NOW) for datagram in arriving]
        assert verdicts[-1] == [reason]

    def test_a_datagram_meant_for_another_relay_worker(self, router, cluster) -> None:
        for_the_sibling = TunnelSender(cluster.keys, OWNER_EPOCH, SIBLINGS[0])

        assert router.from_tunnel(data(for_the_sibling), OWNER, NOW) == [DropReason.TUNNEL_TAG]

    def test_a_check_without_integrity(self, router, flows, cluster) -> None:
        assert up(router, without_integrity(cluster.ufrag(OWNER))) is DropReason.INTEGRITY
        assert flows.provisional == 0

    def test_a_username_without_a_colon(self, router) -> None:
        check = stun.binding_request(
            b"transaction1",
            username=b"alice",
            password=b"secret",
            priority=1,
            tie_breaker=2,
            controlling=True,
        )

        assert up(router, check) is DropReason.NO_USERNAME

    def test_a_check_that_finds_the_table_full_of_bound_flows(
        self, new_router, owner_side, cluster
    ) -> None:
        router = new_router(table=FlowTable(max_flows=1))
        router.from_tunnel(owner_side.encode([control_frame(bind(), CLIENT)]), OWNER, NOW)

        check = cluster.check(cluster.ufrag(OWNER))
        assert up(router, check, ATTACKER) is DropReason.TABLE_FULL
        another = owner_side.encode([control_frame(bind(), ATTACKER)])
        assert router.from_tunnel(another, OWNER, NOW) == [DropReason.BIND_TABLE_FULL]
        assert received_by(OWNER, up(router, check), cluster).payload == check


class TestRememberedUfrag:
    """A live flow's own ufrag is not verified again: only its owner gets such a check."""

    def test_is_forwarded_unread(self, router, cluster, verified) -> None:
        ufrag = cluster.ufrag(OWNER)
        up(router, cluster.check(ufrag))

        unproven = without_integrity(ufrag)
        assert received_by(OWNER, up(router, unproven), cluster).payload == unproven
        assert verified == [0]

    def test_of_a_flow_that_ended_is_verified(self, router, cluster) -> None:
        ufrag = cluster.ufrag(OWNER)
        up(router, cluster.check(ufrag))

        late = NOW + PROVISIONAL_SECONDS
        assert up(router, without_integrity(ufrag), now=late) is DropReason.INTEGRITY

    def test_of_another_client_is_verified(self, router, cluster) -> None:
        ufrag = cluster.ufrag(OWNER)
        up(router, cluster.check(ufrag))

        assert up(router, without_integrity(ufrag), ATTACKER) is DropReason.INTEGRITY

    def test_of_another_call_of_the_flow_s_owner_is_verified(self, router, cluster) -> None:
        up(router, cluster.check(cluster.ufrag(OWNER)))
        another = cluster.ufrag(OWNER, not_after=int(UNIX_NOW) + 7200)

        assert up(router, without_integrity(another)) is DropReason.INTEGRITY

    def test_goes_with_the_owner_that_lost_the_flow(self, router, tell, cluster) -> None:
        ufrag = cluster.ufrag(OWNER)
        up(router, cluster.check(ufrag))
        tell(bind(), source=OTHER_OWNER)

        assert up(router, without_integrity(ufrag)) is DropReason.INTEGRITY
        assert received_by(OTHER_OWNER, up(router, RTP), cluster)

    def test_outlives_the_ufrag_s_expiry(self, new_router, cluster) -> None:
        """The owner ends the call; the relay does not cut it off."""
        router = new_router()
        ufrag = cluster.ufrag(OWNER, not_after=int(UNIX_NOW) + 5)
        check = cluster.check(ufrag)
        router.from_client(check, CLIENT, NOW, UNIX_NOW)

        verdict = router.from_client(check, CLIENT, NOW + 10, UNIX_NOW + 120)
        assert received_by(OWNER, verdict, cluster)
        elsewhere = router.from_client(check, ATTACKER, NOW + 10, UNIX_NOW + 120)
        assert elsewhere is DropReason.UFRAG_EXPIRED


class TestHijacking:
    def test_a_replayed_check_from_another_address_leaves_the_client_s_flow(
        self, router, tell, cluster
    ) -> None:
        check = cluster.check(cluster.ufrag(OWNER))
        up(router, check)
        tell(bind())

        replayed = up(router, check, ATTACKER)

        # The owner gets it, with the address that it came from, and checks that address.
        assert received_by(OWNER, replayed, cluster).client == ATTACKER
        assert received_by(OWNER, up(router, RTP), cluster).client == CLIENT

    def test_a_valid_session_with_a_victim_s_address_moves_no_bound_flow(
        self, router, tell, flows, cluster
    ) -> None:
        tell(bind())
        before = flows.find(CLIENT, NOW)

        up(router, cluster.check(cluster.ufrag(OTHER_OWNER)), CLIENT)
        conflict = tell(bind(), source=OTHER_OWNER)
        tell(bind(confirmed=False), source=OTHER_OWNER)
        tell(Unbind(UnbindReason.CLOSED), source=OTHER_OWNER)

        assert conflict == [DropReason.BIND_CONFLICT]
        assert flows.find(CLIENT, NOW) == before

    def test_a_victim_s_spoofed_address_gets_three_times_what_was_sent(
        self, router, owner_side, cluster
    ) -> None:
        sent = [cluster.check(cluster.ufrag(OWNER)), RTP, DTLS]
        for datagram in sent:
            up(router, datagram, CLIENT)
        allowance = 3 * sum(map(len, sent))

        delivered = 0
        while isinstance(verdict := down(router, owner_side), Delivery):
            delivered += len(verdict.payload)

        assert verdict is DropReason.PROVISIONAL_ALLOWANCE
        assert allowance - len(RTP) < delivered <= allowance

    def test_packets_that_are_dropped_buy_nothing(self, router, owner_side, cluster) -> None:
        check = cluster.check(cluster.ufrag(OWNER))
        up(router, check)
        allowance = bytes(3 * len(check))
        for refused in (b"not webrtc", binding(0x0001), check[:-1], binding(0x0003)):
            up(router, refused)

        assert isinstance(down(router, owner_side, allowance), Delivery)
        assert down(router, owner_side, b"\x80") is DropReason.PROVISIONAL_ALLOWANCE

    def test_the_owner_s_word_ends_the_limit(self, router, tell, owner_side, cluster) -> None:
        up(router, cluster.check(cluster.ufrag(OWNER)))
        assert down(router, owner_side, bytes(1000)) is DropReason.PROVISIONAL_ALLOWANCE

        tell(bind())

        assert isinstance(down(router, owner_side, bytes(1000)), Delivery)

    def test_what_follows_the_integrity_proves_nothing(self, router, flows, cluster) -> None:
        """USE-CANDIDATE, or another USERNAME, added by somebody on the path."""
        check = cluster.check(cluster.ufrag(OWNER))
        other = cluster.ufrag(OTHER_OWNER) + b":x"
        username = b"\x00\x06" + len(other).to_bytes(2, "big") + other + bytes(-len(other) % 4)
        smuggled = rewritten(check[:-8] + b"\x00\x25\x00\x00" + username)

        verdict = up(router, smuggled)

        assert received_by(OWNER, verdict, cluster).payload == smuggled
        assert not stun.parse(smuggled).use_candidate
        assert flows.find(CLIENT, NOW).owner == OWNER

    def test_a_second_username_is_not_read(self, router, cluster) -> None:
        """Whoever reads the first and verifies with it must route by it."""
        ufrag, other = cluster.ufrag(OWNER), cluster.ufrag(OTHER_OWNER)
        both = b"".join(
            b"\x00\x06" + len(name).to_bytes(2, "big") + name + bytes(-len(name) % 4)
            for name in (ufrag + b":x", other + b":x")
        )
        password = UfragReader(cluster.keys).password(ufrag)
        check = signed(binding(0x0001, both), password)

        assert received_by(OWNER, up(router, check), cluster)


def rewritten(message: bytes) -> bytes:
    """A STUN message with its length put right."""
    return message[:2] + (len(message) - 20).to_bytes(2, "big") + message[4:]


def signed(message: bytes, password: bytes) -> bytes:
    """A STUN message with MESSAGE-INTEGRITY as its last attribute."""
    covered = rewritten(message + bytes(24))[: len(message)]
    return covered + b"\x00\x08\x00\x14" + hmac.digest(password, covered, "sha1")


class TestRateLimit:
    @pytest.fixture
    def forged(self, cluster) -> bytes:
        return cluster.check(cluster.ufrag(OWNER), password=b"guess")

    @pytest.fixture
    def exhausted(self, router: Router, forged: bytes) -> Router:
        """After a flood of forged checks from all over the attacker's network."""
        for number in range(int(BURST)):
            source = (f"198.51.100.{number % 256}", number)
            assert up(router, forged, source) is DropReason.INTEGRITY
        return router

    def test_refuses_a_network_s_checks_unread(self, exhausted, cluster, verified) -> None:
        good = cluster.check(cluster.ufrag(OWNER))

        assert up(exhausted, good, ATTACKER) is DropReason.RATE_LIMITED
        assert verified == []

    def test_spares_other_networks(self, exhausted, cluster) -> None:
        good = cluster.check(cluster.ufrag(OWNER))

        assert received_by(OWNER, up(exhausted, good, ("198.51.101.66", 6666)), cluster)

    def test_spares_live_flows_of_that_network(self, router, forged, cluster) -> None:
        neighbour = ("198.51.100.1", 1)
        up(router, cluster.check(cluster.ufrag(OWNER)), neighbour)
        for number in range(int(BURST) + 1):
            up(router, forged, ("198.51.100.2", number))
        assert up(router, forged, ATTACKER) is DropReason.RATE_LIMITED

        assert received_by(OWNER, up(router, RTP, neighbour), cluster)
        again = cluster.check(cluster.ufrag(OTHER_OWNER))
        assert received_by(OTHER_OWNER, up(router, again, neighbour), cluster)

    def test_spares_what_an_owner_bound(self, exhausted, owner_side, cluster) -> None:
        bound = owner_side.encode([control_frame(bind(), ATTACKER)])
        exhausted.from_tunnel(bound, OWNER, NOW)

        check = cluster.check(cluster.ufrag(OWNER))
        assert received_by(OWNER, up(exhausted, check, ATTACKER), cluster)

    def test_ends_with_time(self, exhausted, cluster) -> None:
        good = cluster.check(cluster.ufrag(OWNER))

        assert received_by(OWNER, up(exhausted, good, ATTACKER, NOW + 1), cluster)

    def test_good_checks_cost_nothing(self, router, cluster) -> None:
        check = cluster.check(cluster.ufrag(OWNER))
        verdicts = [
            up(router, check, ("198.51.100.66", number)) for number in range(2 * int(BURST))
        ]

        assert all(isinstance(verdict, Forward) for verdict in verdicts)


class TestSsrcRouting:
    def test_media_from_an_unknown_address_goes_to_who_announced_it(
        self, router, tell, flows, cluster
    ) -> None:
        tell(bind(SSRC))

        for packet, kind in ((RTP, PacketKind.RTP), (RTCP, PacketKind.RTCP)):
            verdict = up(router, packet, ATTACKER)
            assert received_by(OWNER, verdict, cluster) == Frame(FrameType.DATA, ATTACKER, packet)
            assert verdict.kind is kind
        assert flows.find(ATTACKER, NOW) is None

    @pytest.mark.parametrize(
        "packet",
        [RTP[:11], RTCP[:7], DTLS, binding(0x0101), RTP[:8] + bytes(4) + RTP[12:]],
        ids=["short rtp", "short rtcp", "dtls", "stun response", "another ssrc"],
    )
    def test_nothing_else_does(self, router, tell, packet) -> None:
        tell(bind(SSRC))

        assert up(router, packet, ATTACKER) is DropReason.NO_FLOW

    def test_the_shortest_packets_that_hold_one(self, router, tell, cluster) -> None:
        tell(bind(SSRC))

        assert received_by(OWNER, up(router, RTP[:12], ATTACKER), cluster)
        assert received_by(OWNER, up(router, RTCP[:8], ATTACKER), cluster)

    def test_a_flow_goes_before_the_ssrc(self, router, tell, cluster) -> None:
        tell(bind(SSRC))
        up(router, cluster.check(cluster.ufrag(OTHER_OWNER)), ATTACKER)

        assert received_by(OTHER_OWNER, up(router, RTP, ATTACKER), cluster)

    def test_a_flood_costs_only_that_ssrc(self, router, tell, cluster) -> None:
        tell(bind(SSRC, SSRC + 1))
        verdicts = [
            up(router, RTP, ("198.51.100.66", port)) for port in range(SSRC_PACKETS_PER_SECOND + 1)
        ]
        assert verdicts[-1] is DropReason.SSRC_RATE
        assert DropReason.SSRC_RATE not in verdicts[:-1]

        another = RTP[:8] + (SSRC + 1).to_bytes(4, "big") + RTP[12:]
        assert received_by(OWNER, up(router, another, ATTACKER), cluster)
        assert received_by(OWNER, up(router, RTP, CLIENT), cluster)
        assert received_by(OWNER, up(router, RTP, ATTACKER, NOW + 0.01), cluster)

    def test_ends_with_the_owner_s_life(self, router, tell, cluster) -> None:
        tell(bind(SSRC))
        next_life = TunnelSender(cluster.keys, OWNER_EPOCH + 1, TUNNEL)
        tell(Reset(2), sender=next_life)

        assert up(router, RTP, ATTACKER) is DropReason.NO_FLOW


class TestDraining:
    @pytest.fixture
    def draining(self, router: Router, cluster) -> Router:
        up(router, cluster.check(cluster.ufrag(OWNER)))
        router.draining = True
        return router

    def test_refuses_new_clients(self, draining, flows, cluster) -> None:
        check = cluster.check(cluster.ufrag(OWNER))

        assert up(draining, check, ATTACKER) is DropReason.DRAINING
        assert flows.find(ATTACKER, NOW) is None

    def test_serves_the_others(self, draining, owner_side, cluster) -> None:
        assert received_by(OWNER, up(draining, RTP), cluster)
        check = cluster.check(cluster.ufrag(OTHER_OWNER))
        assert received_by(OTHER_OWNER, up(draining, check), cluster)
        assert isinstance(down(draining, owner_side), Delivery)

    def test_obeys_owners_still(self, draining, tell, flows) -> None:
        assert tell(bind(), ATTACKER) == []

        assert flows.find(ATTACKER, NOW).owner == OWNER

    def test_says_why_a_bad_check_was_bad(self, draining, cluster) -> None:
        forged = cluster.check(cluster.ufrag(OWNER), password=b"guess")

        assert up(draining, forged, ATTACKER) is DropReason.INTEGRITY


class TestControl:
    def test_a_binding_is_obeyed_in_silence(self, router, tell, cluster) -> None:
        assert tell(bind()) == []

        assert received_by(OWNER, up(router, RTP), cluster).client == CLIENT

    def test_the_owner_is_whom_it_came_from(self, router, tell, cluster) -> None:
        tell(bind(), source=("10.9.9.9", 9))

        assert received_by(("10.9.9.9", 9), up(router, RTP), cluster)

    @pytest.mark.parametrize(
        "message",
        [bind(SSRC), Unbind(UnbindReason.LOST), Reset(1), Hello(7, ())],
        ids=lambda message: type(message).__name__,
    )
    def test_from_an_address_that_may_not_own(self, router, tell, flows, message) -> None:
        tell(bind())
        before = flows.find(CLIENT, NOW)

        assert tell(message, source=("8.8.8.8", 4000)) == [DropReason.OWNER_NOT_ALLOWED]

        assert flows.find(CLIENT, NOW) == before
        assert up(router, RTP, ATTACKER) is DropReason.NO_FLOW

    def test_from_another_owner(self, tell, flows) -> None:
        tell(bind())

        assert tell(bind(), source=OTHER_OWNER) == [DropReason.BIND_CONFLICT]
        assert flows.find(CLIENT, NOW).owner == OWNER

    def test_an_unconfirmed_binding_lets_little_through(self, tell, router, owner_side) -> None:
        tell(bind(confirmed=False))

        assert isinstance(down(router, owner_side, bytes(1500)), Delivery)
        assert down(router, owner_side, bytes(1500)) is DropReason.PROVISIONAL_ALLOWANCE

    def test_unbind_ends_the_flow(self, router, tell) -> None:
        tell(bind())

        assert tell(Unbind(UnbindReason.MOVED)) == []

        assert up(router, RTP) is DropReason.NO_FLOW

    def test_a_replayed_datagram_is_not_obeyed(self, router, owner_side, flows) -> None:
        bound = owner_side.encode([control_frame(bind(), CLIENT)])
        router.from_tunnel(bound, OWNER, NOW)
        router.from_tunnel(
            owner_side.encode([control_frame(Unbind(UnbindReason.CLOSED), CLIENT)]), OWNER, NOW
        )

        for source in (OWNER, OTHER_OWNER):
            assert router.from_tunnel(bound, source, NOW) == [DropReason.TUNNEL_REPLAY]
        assert flows.find(CLIENT, NOW) is None

    def test_reset_ends_what_another_life_bound(self, router, tell, cluster) -> None:
        tell(bind(), CLIENT)
        tell(bind(), ATTACKER, source=OTHER_OWNER)
        next_life = TunnelSender(cluster.keys, OWNER_EPOCH + 1, TUNNEL)

        assert tell(Reset(2), sender=next_life) == []

        assert up(router, RTP) is DropReason.NO_FLOW
        assert received_by(OTHER_OWNER, up(router, RTP, ATTACKER), cluster)
        tell(bind(), sender=next_life)
        assert received_by(OWNER, up(router, RTP), cluster)

    def test_reset_of_the_same_life_changes_nothing(self, router, tell, cluster) -> None:
        tell(bind())
        tell(Reset(1))

        assert received_by(OWNER, up(router, RTP), cluster)

    def test_a_probe_is_answered(self, tell, cluster) -> None:
        probe = Hello(0x0123456789ABCDEF, (("10.0.0.1", 4001),))

        [answer] = tell(probe, ("0.0.0.0", 0), source=OTHER_OWNER)

        assert isinstance(answer, Answer)
        assert answer.owner == OTHER_OWNER
        epoch, [frame] = TunnelReceiver(cluster.keys, OTHER_OWNER).decode(answer.datagram)
        assert epoch == EPOCH
        assert control_message(frame) == Hello(probe.nonce, SIBLINGS)

    def test_a_greeting_is_not(self, tell) -> None:
        assert tell(Hello(0, ())) == []

    def test_frames_of_one_datagram_are_taken_in_their_order(
        self, router, owner_side, flows
    ) -> None:
        neighbour = ("203.0.113.7", 50_001)
        frames = [
            control_frame(Reset(1)),
            control_frame(bind(confirmed=False), CLIENT),
            Frame(FrameType.DATA, CLIENT, bytes(1500)),
            Frame(FrameType.DATA, CLIENT, bytes(1501)),
            control_frame(bind(), CLIENT),
            Frame(FrameType.DATA, CLIENT, RTP),
            control_frame(Hello(5, ())),
            control_frame(bind(), neighbour),
        ]

        verdicts = router.from_tunnel(owner_side.encode(frames), OWNER, NOW)

        assert verdicts[:3] == [
            Delivery(bytes(1500), CLIENT, PacketKind.STUN),
            DropReason.PROVISIONAL_ALLOWANCE,
            Delivery(RTP, CLIENT, PacketKind.RTP),
        ]
        assert isinstance(verdicts[3], Answer)
        assert len(verdicts) == 4
        assert flows.bound == 2

    def test_one_bad_frame_spoils_the_datagram(self, router, owner_side, flows) -> None:
        frames = [
            control_frame(bind(), CLIENT),
            Frame(FrameType.DATA, CLIENT, RTP),
            Frame(FrameType.UNBIND, CLIENT, b"\xff"),
        ]

        verdicts = router.from_tunnel(owner_side.encode(frames), OWNER, NOW)

        assert verdicts == [DropReason.TUNNEL_FRAME]
        assert flows.find(CLIENT, NOW) is None

    def test_control_frames_without_protection(self, router, owner_side, flows) -> None:
        protected = owner_side.encode([control_frame(bind(), CLIENT)])
        bare = data(owner_side)[:HEADER_BYTES] + protected[HEADER_BYTES:-24]

        assert router.from_tunnel(bare, OWNER, NOW) == [DropReason.TUNNEL_FRAME]
        assert flows.bound == 0


class TestDownstream:
    def test_needs_no_flow(self, router, flows, owner_side) -> None:
        assert down(router, owner_side, bytes(1400)) == Delivery(
            bytes(1400), CLIENT, PacketKind.STUN
        )
        assert flows.find(CLIENT, NOW) is None

    def test_each_frame_goes_to_its_own_client(self, router, owner_side) -> None:
        clients = [("203.0.113.7", port) for port in range(1, 5)]

        verdicts = router.from_tunnel(
            owner_side.encode([Frame(FrameType.DATA, client, RTP) for client in clients]),
            OWNER,
            NOW,
        )

        assert [verdict.client for verdict in verdicts] == clients

    def test_from_whichever_member_it_comes(self, router, tell, owner_side) -> None:
        """An owner sends through a sibling relay worker, or its successor answers for it."""
        tell(bind())

        [verdict] = router.from_tunnel(data(owner_side), ("8.8.8.8", 1), NOW)
        assert isinstance(verdict, Delivery)

    def test_trusts_only_headers_that_it_verified(self, router, owner_side, cluster) -> None:
        header = owner_side.data_header
        assert not router.trusts(header)
        router.from_tunnel(data(owner_side), OWNER, NOW)
        assert router.trusts(header)

        forged = tampered(data(owner_side), 19)
        router.from_tunnel(forged, OWNER, NOW)
        assert not router.trusts(forged[:HEADER_BYTES])


class TestReload:
    @pytest.fixture
    def old_and_new(self, cluster, stranger) -> ClusterKeys:
        """A key file in the midst of a rotation: the new lines first, the old ones still read."""
        rotated = [
            f"{int(line[0]) + 3}{line[1:]}"
            for line in stranger.key_text.splitlines()
            if not line.startswith("#")
        ]
        return ClusterKeys.parse("\n".join([*rotated, cluster.key_text]))

    def test_keeps_flows_and_reads_both_keys(
        self, router, cluster, old_and_new, owner_side
    ) -> None:
        up(router, cluster.check(cluster.ufrag(OWNER)))

        router.reload(old_and_new)

        verdict = up(router, RTP)
        _epoch, [frame] = TunnelReceiver(old_and_new, OWNER).decode(verdict.datagram)
        assert frame.payload == RTP
        assert isinstance(up(router, cluster.check(cluster.ufrag(OWNER)), ATTACKER), Forward)
        assert isinstance(down(router, owner_side), Delivery)
        renewed = TunnelSender(old_and_new, OWNER_EPOCH, TUNNEL)
        assert isinstance(down(router, renewed), Delivery)

    def test_the_old_key_ends_with_its_line(self, router, cluster, stranger, owner_side) -> None:
        assert isinstance(down(router, owner_side), Delivery)

        router.reload(stranger.keys)

        assert down(router, owner_side) is DropReason.TUNNEL_TAG
        assert not router.trusts(owner_side.data_header)
        check = cluster.check(cluster.ufrag(OWNER))
        assert up(router, check, ATTACKER) is DropReason.UFRAG_CHECK

    def test_counts_under_the_config_that_verified(
        self, new_router, old_and_new, cluster, stranger, verified
    ) -> None:
        router = new_router(keys=old_and_new)
        minted = stranger.ufrag(OWNER)
        as_config_3 = bytes([minted[0] + 3 * 8]) + minted[1:]
        password = UfragReader(old_and_new).password(as_config_3)

        up(router, cluster.check(as_config_3, password=password))
        up(router, cluster.check(cluster.ufrag(OWNER)), ATTACKER)

        assert verified == [3, 0]


class TestHostileInput:
    @SAME_ROUTER
    @given(st.binary() | st.binary(min_size=16).map(lambda tail: binding(0x0001, tail)))
    def test_arbitrary_bytes_from_a_client_are_dropped(self, router, flows, datagram) -> None:
        assert isinstance(up(router, datagram), DropReason)
        assert flows.provisional == 0

    @SAME_ROUTER
    @given(st.data())
    def test_a_check_changed_anywhere_is_dropped(self, new_router, flows, cluster, data) -> None:
        check = cluster.check(cluster.ufrag(OWNER))
        fingerprint_bytes = 8  # Its type is not protected, nor is anything after the integrity.
        position = data.draw(st.integers(0, len(check) - fingerprint_bytes - 1))
        bit = data.draw(st.integers(0, 7))
        changed = bytearray(check)
        changed[position] ^= 1 << bit
        mended = bytes(changed[:-4]) + fingerprint(bytes(changed[:-8]))

        for attempt in (bytes(changed), mended):
            assert isinstance(up(new_router(), attempt), DropReason)
        assert flows.provisional == 0

    @SAME_ROUTER
    @given(st.binary() | st.binary().map(lambda tail: b"\x10\x00\x00\x00" + tail))
    def test_arbitrary_bytes_from_the_tunnel_are_delivered_to_nobody(
        self, router, datagram
    ) -> None:
        [verdict] = router.from_tunnel(datagram, OWNER, NOW)
        assert isinstance(verdict, DropReason)

    @SAME_ROUTER
    @given(st.binary(), st.sampled_from(list(FrameType)))
    def test_a_member_s_arbitrary_frames_raise_nothing(
        self, router, owner_side, payload, type_
    ) -> None:
        router.from_tunnel(data(owner_side)[:HEADER_BYTES] + payload, OWNER, NOW)
        router.from_tunnel(owner_side.encode([Frame(type_, CLIENT, payload)]), OWNER, NOW)


def fingerprint(message: bytes) -> bytes:
    return (binascii.crc32(message) ^ 0x5354554E).to_bytes(4, "big")
