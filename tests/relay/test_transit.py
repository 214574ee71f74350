"""Calls whose client came to a relay of another cluster than its owner's."""

import pytest

from antiphon_proto.tunnel import Frame, FrameType, TunnelSender, port_payload
from antiphon_proto.tunnel_control import (
    Bind,
    Hello,
    Lease,
    Probe,
    Reset,
    Unbind,
    UnbindReason,
    control_frame,
    control_message,
)
from antiphon_proto.tunnel_transit import FromOwner, FromRelay, ToOwner, ToRelay, TransitSender
from relay.drop_reason import DropReason
from relay.flows import PROVISIONAL_SECONDS, FlowState
from relay.remote_clusters import FORGET_S, MISSED_PROBES
from relay.table_snapshot import TableSnapshot
from relay.verdicts import Answer, Forward
from tests.relay.two_clusters import (
    CLIENT,
    EDGE,
    EDGE_CLUSTER,
    HOME,
    HOME_CLUSTER,
    OTHER_HOME,
    OWNER,
    TwoClusters,
    data,
)

SSRC = 0x01020304
RTP = b"\x80\x6f" + bytes(6) + SSRC.to_bytes(4, "big") + bytes(140)
DTLS = b"\x16\xfe\xfd" + bytes(60)
BIND = Bind(30, True, (SSRC,))
ATTACKER = ("198.51.100.66", 6666)
REMOTE_OWNER = (f"{OWNER[0]}%{HOME_CLUSTER}", OWNER[1])


@pytest.fixture
def clusters(cluster) -> TwoClusters:
    clusters = TwoClusters(cluster)
    clusters.probe()
    return clusters


@pytest.fixture
def call(clusters: TwoClusters) -> TwoClusters:
    """A call whose client answered its owner's check."""
    clusters.from_client(clusters.check)
    clusters.tell(BIND)
    assert clusters.drops == []
    return clusters


def edge_flow(clusters: TwoClusters, client=CLIENT):
    return clusters.edge.flows.find(client, clusters.now)


class TestMedia:
    def test_a_check_reaches_its_owner_and_says_where_it_came(self, clusters) -> None:
        verdict = clusters.from_client(clusters.check)
        assert isinstance(verdict, Forward)
        assert verdict.owner == REMOTE_OWNER
        assert clusters.owner_heard == [(verdict.to, EDGE, [data(clusters.check)])]
        assert clusters.edge_epochs == [clusters.edge.epoch]

    def test_media_goes_both_ways(self, call) -> None:
        for packet in (RTP, DTLS):
            call.from_client(packet)
            assert call.owner_heard[-1][1:] == (EDGE, [data(packet)])
        call.answer(RTP)
        [(at, delivery)] = call.delivered
        assert (at, delivery.client, delivery.payload) == (EDGE, CLIENT, RTP)
        assert call.drops == []

    def test_either_relay_of_the_owners_cluster_will_do(self, call) -> None:
        for via in (HOME, OTHER_HOME):
            call.answer(RTP, via=via)
        assert [at for at, _ in call.delivered] == [EDGE, EDGE]

    def test_the_owners_cluster_remembers_nothing(self, call) -> None:
        for relay in (call.home, call.other_home):
            assert relay.flows.snapshot(call.now) == TableSnapshot()

    def test_many_frames_stay_together(self, call) -> None:
        before = len(call.passed)
        call.from_owner(*(data(RTP, (CLIENT[0], port)) for port in (1, 2, 3)))
        assert len(call.delivered) == 3
        assert len(call.passed) == before + 1

    def test_an_owner_with_the_same_address_in_the_edge_cluster_is_another(
        self, call, cluster
    ) -> None:
        check = cluster.check(cluster.ufrag(OWNER, cluster_id=EDGE_CLUSTER))
        verdict = call.edge.router.from_client(check, CLIENT, call.now, 1_800_000_000.0)
        assert isinstance(verdict, Forward)
        assert (verdict.owner, verdict.to) == (OWNER, OWNER)
        assert edge_flow(call).owner == REMOTE_OWNER
        own = TunnelSender(call.keys, 5, EDGE).encode([control_frame(BIND, CLIENT)])
        assert call.edge.router.from_tunnel(own, OWNER, call.now) == [DropReason.BIND_CONFLICT]


class TestBindings:
    def test_until_the_owner_confirms_three_times_at_most(self, clusters) -> None:
        clusters.from_client(clusters.check)
        size = len(clusters.check)
        clusters.answer(bytes((0x80,)) * (3 * size))
        clusters.answer(RTP)
        assert len(clusters.delivered) == 1
        assert clusters.drops == [(EDGE, DropReason.PROVISIONAL_ALLOWANCE)]
        clusters.tell(BIND)
        clusters.answer(RTP)
        assert len(clusters.delivered) == 2

    def test_what_a_client_sends_through_raises_nothing_elsewhere(self, clusters) -> None:
        clusters.from_client(clusters.check)
        assert clusters.home.flows.provisional == clusters.other_home.flows.provisional == 0

    def test_the_owner_binds_and_unbinds(self, call) -> None:
        flow = edge_flow(call)
        assert (flow.owner, flow.state) == (REMOTE_OWNER, FlowState.BOUND)
        call.tell(Unbind(UnbindReason.CLOSED), via=OTHER_HOME)
        assert edge_flow(call) is None

    def test_a_binding_ends_unless_it_is_refreshed(self, call) -> None:
        call.now += 29
        call.tell(BIND)
        call.now += 29
        assert edge_flow(call) is not None
        call.now += 2
        assert edge_flow(call) is None

    def test_a_check_from_elsewhere_does_not_displace(self, call, cluster) -> None:
        local = ("10.0.0.9", 7000)
        check = cluster.check(cluster.ufrag(local, cluster_id=EDGE_CLUSTER))
        verdict = call.from_client(check)
        assert isinstance(verdict, Forward)
        assert verdict.owner == local
        assert edge_flow(call).owner == REMOTE_OWNER

    def test_another_life_of_the_owner_voids_what_it_bound(self, call) -> None:
        call.tell(Reset(1), epoch=99)
        assert edge_flow(call) is None

    def test_a_provisional_flow_ends(self, clusters) -> None:
        clusters.from_client(clusters.check)
        clusters.now += PROVISIONAL_SECONDS
        assert edge_flow(clusters) is None

    def test_media_from_a_new_port_follows_its_source(self, call) -> None:
        rebound = (CLIENT[0], 50_001)
        call.from_client(RTP, rebound)
        assert call.owner_heard[-1][1:] == (EDGE, [data(RTP, rebound)])
        call.tell(Bind(30, False, (SSRC,)), rebound)
        assert edge_flow(call, rebound).state is FlowState.PROVISIONAL


class TestHealing:
    def test_a_successor_need_not_wait_for_the_relays_to_answer(self, call) -> None:
        flows = call.edge.flows
        heir = call.add(EDGE_CLUSTER, EDGE)
        call.name_all()
        heir.flows.restore(flows.snapshot(call.now), call.now)
        assert isinstance(call.from_client(RTP), Forward)

    def test_a_restarted_home_relay_has_nothing_to_learn(self, call) -> None:
        heard = len(call.owner_heard)
        for address in (HOME, OTHER_HOME):
            call.add(HOME_CLUSTER, address)
        call.from_client(RTP)
        call.answer(RTP)
        assert len(call.owner_heard) == heard + 1
        assert len(call.delivered) == 1

    def test_a_lost_home_relay_is_replaced_by_another(self, call) -> None:
        verdict = call.from_client(RTP)
        used = verdict.to
        other = OTHER_HOME if used == HOME else HOME
        call.probe(MISSED_PROBES, silent=[used])
        assert call.from_client(RTP).to == used
        call.probe(1, silent=[used])
        assert call.from_client(RTP).to == other
        call.probe(1)
        assert call.from_client(RTP).to == used

    def test_one_that_drains_is_left(self, call) -> None:
        used = call.from_client(RTP).to
        call.relays[used].router.draining = True
        call.probe(MISSED_PROBES + 1)
        assert call.from_client(RTP).to != used
        call.relays[HOME].router.draining = call.relays[OTHER_HOME].router.draining = True
        call.probe(MISSED_PROBES + 1)
        assert isinstance(call.from_client(RTP), Forward)  # None is better: one that drains.

    def test_the_owner_hears_of_an_edge_relay_that_was_restarted(self, call) -> None:
        restarted = call.add(EDGE_CLUSTER, EDGE, siblings=(("10.9.1.1", 4002),))
        call.name_all()
        call.probe()
        call.tell(Hello(5, ()))
        _home, relay, [frame] = call.owner_heard[-1]
        assert (relay, call.edge_epochs[-1]) == (EDGE, restarted.epoch)
        assert control_message(frame) == Hello(5, (("10.9.1.1", 4002),))

    def test_owners_are_told_of_the_other_relays_of_the_edge_cluster(self, call) -> None:
        other = ("10.9.1.2", 4001)
        call.add(EDGE_CLUSTER, other)
        call.name_all()
        call.tell(Hello(5, ()))
        assert control_message(call.owner_heard[-1][2][0]) == Hello(5, (other,))

    def test_siblings_of_a_relay_are_found_and_forgotten(self, cluster) -> None:
        clusters = TwoClusters(cluster)
        sibling = ("10.9.2.1", 4002)
        clusters.add(HOME_CLUSTER, HOME, siblings=(sibling,))
        clusters.name_all()
        clusters.probe()
        assert list(clusters.edge.remote.counts()) == [(HOME_CLUSTER, 3, 2)]
        clusters.now += FORGET_S
        clusters.add(HOME_CLUSTER, HOME)
        clusters.probe()
        assert list(clusters.edge.remote.counts()) == [(HOME_CLUSTER, 2, 2)]

    def test_siblings_that_live_elsewhere_are_sent_nothing(self, cluster) -> None:
        clusters = TwoClusters(cluster)
        clusters.add(HOME_CLUSTER, HOME, siblings=(ATTACKER,))
        clusters.name_all()
        clusters.probe(4)
        assert list(clusters.edge.remote.counts()) == [(HOME_CLUSTER, 2, 2)]

    def test_a_relay_may_be_known_by_another_name(self, cluster) -> None:
        clusters = TwoClusters(cluster)
        public = ("10.9.7.7", 9000)
        edge = clusters.add(EDGE_CLUSTER, EDGE, name=public)
        clusters.relays[public] = edge
        clusters.name_all()
        clusters.probe()
        clusters.from_client(clusters.check)
        assert clusters.owner_heard[-1][1] == public
        clusters.answer(clusters.check, edge=public)
        assert clusters.delivered
        assert clusters.drops == []


class TestRefusals:
    def up(self, clusters: TwoClusters, way, *frames: Frame, source=EDGE, at=HOME):
        sender = TransitSender(TunnelSender(clusters.keys, 4, at), way)
        [verdict] = clusters.relays[at].router.from_tunnel(
            sender.encode(frames), source, clusters.now
        )
        return verdict

    def test_without_the_cluster_named(self, clusters, cluster) -> None:
        check = cluster.check(cluster.ufrag(OWNER, cluster_id=9))
        assert clusters.from_client(check) is DropReason.FOREIGN_CLUSTER

    def test_before_any_relay_of_the_cluster_was_found(self, clusters) -> None:
        clusters.add(EDGE_CLUSTER, EDGE)
        assert clusters.from_client(clusters.check) is DropReason.CLUSTER_UNREACHABLE
        assert edge_flow(clusters) is None

    def test_a_flow_whose_cluster_is_out_of_reach(self, call) -> None:
        call.tell(Hello(1, ()))
        flows = call.edge.flows
        alone = call.add(EDGE_CLUSTER, EDGE)
        alone.flows.restore(flows.snapshot(call.now), call.now)
        assert call.from_client(RTP) is DropReason.CLUSTER_UNREACHABLE
        sender = TransitSender(TunnelSender(call.keys, 4, EDGE), FromOwner(OWNER, HOME_CLUSTER, 1))
        datagram = sender.encode([control_frame(Hello(5, ()))])
        verdicts = alone.router.from_tunnel(datagram, HOME, call.now)
        assert verdicts == [DropReason.CLUSTER_UNREACHABLE]

    @pytest.mark.parametrize(
        "way",
        [ToOwner(OWNER, HOME_CLUSTER, EDGE), ToRelay(EDGE), FromOwner(OWNER, HOME_CLUSTER, 1)],
    )
    def test_by_a_relay_without_other_clusters(self, clusters, way) -> None:
        clusters.add(HOME_CLUSTER, HOME, clusters=frozenset())
        assert self.up(clusters, way, data(RTP)) is DropReason.TRANSIT_REFUSED

    def test_of_probes_too(self, clusters) -> None:
        clusters.add(HOME_CLUSTER, HOME, clusters=frozenset())
        probe = TunnelSender(clusters.keys, 4, HOME).encode([control_frame(Probe(1, 2))])
        verdicts = clusters.home.router.from_tunnel(probe, ATTACKER, clusters.now)
        assert verdicts == [DropReason.RELAY_NOT_ALLOWED]
        bare = clusters.relays[HOME].router.from_tunnel(probe, EDGE, clusters.now)
        assert bare == [DropReason.TRANSIT_REFUSED]

    def test_a_probe_for_another_cluster(self, clusters) -> None:
        probe = TunnelSender(clusters.keys, 4, HOME).encode([control_frame(Probe(1, 1))])
        verdicts = clusters.home.router.from_tunnel(probe, EDGE, clusters.now)
        assert verdicts == [DropReason.TRANSIT_CLUSTER]

    def test_an_answer_is_never_answered(self, clusters) -> None:
        probe = TunnelSender(clusters.keys, 4, HOME).encode([control_frame(Probe(1, 2))])
        [answer] = clusters.home.router.from_tunnel(probe, EDGE, clusters.now)
        assert isinstance(answer, Answer)
        assert clusters.edge.router.from_tunnel(answer.datagram, HOME, clusters.now) == []

    @pytest.mark.parametrize("cluster_id", [EDGE_CLUSTER, 9])
    def test_of_another_clusters_owner(self, clusters, cluster_id) -> None:
        way = ToOwner(OWNER, cluster_id, EDGE)
        assert self.up(clusters, way, data(RTP)) is DropReason.TRANSIT_CLUSTER

    @pytest.mark.parametrize("cluster_id", [EDGE_CLUSTER, 9])
    def test_of_a_cluster_that_was_not_named(self, clusters, cluster_id) -> None:
        way, bind = FromOwner(OWNER, cluster_id, 1), control_frame(BIND, CLIENT)
        verdict = self.up(clusters, way, bind, source=HOME, at=EDGE)
        assert verdict is DropReason.TRANSIT_CLUSTER

    @pytest.mark.parametrize("owner", [("8.8.8.8", 1), ("fd00::5", 1)])
    def test_of_owners_who_live_elsewhere(self, clusters, owner) -> None:
        way = ToOwner(owner, HOME_CLUSTER, EDGE)
        assert self.up(clusters, way, data(RTP)) is DropReason.TRANSIT_OWNER

    @pytest.mark.parametrize("relay", [("8.8.8.8", 1), ("fd00::5", 1)])
    def test_of_relays_that_live_elsewhere(self, clusters, relay) -> None:
        for way in (ToOwner(OWNER, HOME_CLUSTER, relay), ToRelay(relay)):
            assert self.up(clusters, way, data(RTP)) is DropReason.RELAY_NOT_ALLOWED

    def test_of_control_frames_from_elsewhere(self, clusters) -> None:
        hello = control_frame(Hello(1, ()))
        to_owner, to_relay = ToOwner(OWNER, HOME_CLUSTER, EDGE), ToRelay(EDGE)
        refused = {
            DropReason.RELAY_NOT_ALLOWED: [
                self.up(clusters, to_owner, hello, source=ATTACKER),
                self.up(
                    clusters,
                    FromOwner(OWNER, HOME_CLUSTER, 1),
                    control_frame(BIND, CLIENT),
                    source=ATTACKER,
                    at=EDGE,
                ),
            ],
            DropReason.TRANSIT_OWNER: [self.up(clusters, to_relay, hello, source=ATTACKER)],
        }
        assert all(each is reason for reason, found in refused.items() for each in found)

    def test_of_frames_that_have_no_business_there(self, clusters) -> None:
        lease = control_frame(Lease(1, 30, 0, ()))
        phone = Frame(FrameType.PORT_DATA, CLIENT, port_payload(9, RTP))
        bind = control_frame(BIND, CLIENT)
        to_owner = ToOwner(OWNER, HOME_CLUSTER, EDGE)
        from_owner = FromOwner(OWNER, HOME_CLUSTER, 1)
        for frame in (lease, phone):
            assert self.up(clusters, ToRelay(EDGE), frame, source=OWNER) is DropReason.TRANSIT_FRAME
            verdict = self.up(clusters, from_owner, frame, source=HOME, at=EDGE)
            assert verdict is DropReason.TRANSIT_FRAME
        for frame in (lease, phone, bind):
            assert self.up(clusters, to_owner, frame) is DropReason.TRANSIT_FRAME
        assert self.up(clusters, FromRelay(EDGE, 1), data(RTP)) is DropReason.TRANSIT_FRAME

    def test_nothing_goes_through_a_third_relay(self, clusters) -> None:
        """What one relay made of it, no other makes anything of but its end."""
        made = [ToOwner(OWNER, HOME_CLUSTER, EDGE), ToRelay(EDGE)]
        first = [self.up(clusters, way, data(RTP), source=OWNER) for way in made]
        assert {each.to for each in first} == {OWNER, EDGE}
        again = clusters.edge.router.from_tunnel(first[1].datagram, HOME, clusters.now)
        assert [type(each).__name__ for each in again] == ["Delivery"]
