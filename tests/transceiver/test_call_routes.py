"""Where a call's client is: bindings, a NAT that rebinds, and others who pretend to be it."""

from types import SimpleNamespace
from typing import Any

import pytest

from antiphon_proto import stun, trunk
from antiphon_proto.address import Address
from antiphon_proto.demux import PacketKind, packet_kind
from antiphon_proto.stun import StunClass
from antiphon_proto.tunnel_control import Bind, Unbind, UnbindReason, control_message
from tests.transceiver.call_table_driver import (
    CLIENT,
    RELAY,
    ROAMED,
    SSRC,
    STRANGER,
    Client,
    Worker,
    spoiled,
)
from transceiver.amplification_limit import FACTOR
from transceiver.announcer import LIFETIME_S, Announcer
from transceiver.call_routes import MAX_COLLISIONS, CallRoutes, RoutedCall
from transceiver.drop_reason import DropReason
from transceiver.latched_path import LatchedPath
from transceiver.media_path import MediaPath
from transceiver.reoffer_limit import ReofferLimit
from transceiver.signalled_path import SignalledPath

OTHER_RELAY: Address = ("10.0.0.10", 5000)


@pytest.fixture
def worker() -> Worker:
    return Worker()


@pytest.fixture
async def client(worker: Worker) -> Client:
    """In a call from CLIENT, announced and speaking."""
    client = Client(worker)
    await client.connect()
    worker.receive(client.media())
    worker.announced()
    return client


def selected(worker: Worker) -> Address | None:
    call, *_ = worker.inference.calls
    selected: Address | None = call.transport.path.selected
    return selected


class TestBindings:
    async def test_an_address_is_announced_once_it_has_answered(self, worker: Worker) -> None:
        client = Client(worker)
        await client.call()
        worker.receive(client.check())
        assert worker.announced() == []
        client.deliver({CLIENT})
        assert worker.announced() == [(CLIENT, True)]

    async def test_the_offers_sources_are_announced_with_it(self, worker: Worker) -> None:
        await Client(worker, ssrc=99).connect()
        [frame] = worker.announcer.changes()
        assert Bind.decode(frame.payload).ssrcs == (99,)

    async def test_so_are_those_that_media_comes_with(self, worker: Worker, client: Client) -> None:
        client.ssrc = 4711
        worker.receive(client.media())
        [frame] = worker.announcer.changes()
        assert Bind.decode(frame.payload).ssrcs == (SSRC, 4711)
        worker.receive(client.media())
        assert worker.announced() == []

    async def test_an_ended_call_gives_its_address_up(self, worker: Worker, client: Client) -> None:
        worker.calls.close_all()
        assert worker.announced() == [(CLIENT, UnbindReason.CLOSED)]

    async def test_a_silent_client_is_given_up_as_lost(
        self, worker: Worker, client: Client
    ) -> None:
        worker.tick(31)
        assert worker.announced() == [(CLIENT, UnbindReason.LOST)]

    async def test_every_address_that_answered_is_announced(
        self, worker: Worker, client: Client
    ) -> None:
        worker.receive(client.check(use_candidate=False), ROAMED)
        client.deliver({ROAMED})
        assert worker.announced() == [(ROAMED, True)]
        worker.calls.close_all()
        assert dict(worker.announced()).keys() == {CLIENT, ROAMED}


class TestRebinding:
    async def test_media_from_a_new_address_is_heard_at_once_and_moves_the_call(
        self, worker: Worker, client: Client
    ) -> None:
        worker.receive(client.media(), ROAMED, OTHER_RELAY)
        assert worker.counters.drops == {}
        [(check, to, relay)] = worker.endpoint.sent
        assert stun.parse(check).message_class is StunClass.REQUEST
        assert (to, relay) == (ROAMED, OTHER_RELAY)
        assert worker.announced() == [(ROAMED, False)]
        assert selected(worker) == CLIENT

        client.deliver({ROAMED})
        assert selected(worker) == ROAMED
        assert dict(worker.announced()) == {ROAMED: True, CLIENT: UnbindReason.MOVED}

    async def test_the_agents_speech_follows(self, worker: Worker, client: Client) -> None:
        [(listener, _session)] = worker.inference.opened
        listener.engine_audio(trunk.UNSOLICITED, 0, bytes(24_000))
        worker.receive(client.media(), ROAMED)
        client.deliver({ROAMED})
        worker.tick(0.1)
        assert set(client.deliver({ROAMED})) == {ROAMED}
        assert len(client.heard) >= 4

    async def test_reports_do_as_well_when_the_client_sends_no_media(
        self, worker: Worker, client: Client
    ) -> None:
        worker.tick(2)
        client.deliver({CLIENT})
        worker.receive(client.report(), ROAMED)
        client.deliver({ROAMED})
        assert selected(worker) == ROAMED

    async def test_a_late_report_from_the_old_address_is_used_and_no_more(
        self, worker: Worker, client: Client
    ) -> None:
        report = client.report()
        worker.receive(client.media(), ROAMED)
        client.deliver({ROAMED})
        worker.announced()
        worker.receive(report, CLIENT)
        assert worker.endpoint.sent == []
        assert worker.announced() == []
        assert worker.counters.drops == {}

    async def test_late_media_from_the_old_address_is_used_and_no_more(
        self, worker: Worker, client: Client
    ) -> None:
        late = [client.media(), client.media()]
        worker.receive(client.media(), ROAMED)
        client.deliver({ROAMED})
        worker.announced()
        for packet in late:
            worker.receive(packet, CLIENT)
        assert selected(worker) == ROAMED
        assert worker.endpoint.sent == []
        assert worker.announced() == []
        assert worker.counters.drops == {}

    async def test_the_clients_messages_are_heard_from_the_new_address(
        self, worker: Worker, client: Client
    ) -> None:
        worker.receive(client.media(), ROAMED)
        client.deliver({ROAMED})
        client.dtls.close()
        [goodbye] = client.dtls.take_datagrams()
        worker.receive(goodbye, ROAMED)
        worker.tick(0.01)
        assert len(worker.calls) == 0

    async def test_two_rebindings_in_a_row(self, worker: Worker, client: Client) -> None:
        worker.receive(client.media(), ROAMED)
        worker.receive(client.media(), STRANGER)
        client.deliver({STRANGER})
        assert selected(worker) == STRANGER
        worker.tick(12)
        client.deliver({STRANGER})
        announced = worker.announced()
        assert (CLIENT, UnbindReason.MOVED) in announced
        assert (ROAMED, UnbindReason.MOVED) in announced
        assert (STRANGER, True) in announced


class TestPretenders:
    async def test_media_that_does_not_authenticate_changes_nothing(
        self, worker: Worker, client: Client
    ) -> None:
        forged = spoiled(client.media())
        for packet in (forged, spoiled(client.report()), forged[:12], forged[:9]):
            worker.receive(packet, STRANGER)
        assert worker.endpoint.sent == []
        assert worker.announced() == []
        assert worker.counters.drops.keys() <= {DropReason.REBINDING_REFUSED, DropReason.NO_CALL}
        assert worker.counters.drops.total() == 4
        [call] = worker.inference.calls
        assert not call.transport.path.knows(STRANGER)

    async def test_neither_does_a_packet_that_was_here_before(
        self, worker: Worker, client: Client
    ) -> None:
        packet = client.media()
        worker.receive(packet, CLIENT)
        worker.receive(packet, STRANGER)
        assert worker.endpoint.sent == []
        assert worker.announced() == []
        assert worker.counters.drops == {DropReason.REBINDING_REFUSED: 1}

    async def test_a_stolen_packet_draws_one_check_and_never_our_media(
        self, worker: Worker, client: Client
    ) -> None:
        [(listener, _session)] = worker.inference.opened
        worker.receive(client.media(), STRANGER)
        sent = worker.take_sent()
        assert [packet_kind(payload) for payload, _client in sent] == [PacketKind.STUN]
        for _ in range(15):
            listener.engine_audio(trunk.UNSOLICITED, 0, bytes(48_000))
            worker.receive(client.media(), CLIENT)
            worker.tick(1)
            assert STRANGER not in client.deliver({CLIENT})
        assert len(client.heard) > 100
        assert selected(worker) == CLIENT
        assert worker.announced()[-1] == (STRANGER, UnbindReason.MOVED)

    async def test_a_source_that_no_call_has_is_counted(
        self, worker: Worker, client: Client
    ) -> None:
        client.ssrc = 5
        worker.receive(client.media(), STRANGER)
        assert worker.counters.drops == {DropReason.NO_CALL: 1}

    async def test_calls_with_the_same_source_are_told_apart_by_their_keys(
        self, worker: Worker, client: Client
    ) -> None:
        other = Client(worker)
        await other.connect(STRANGER)
        worker.receive(other.media(), STRANGER)
        worker.receive(client.media(), ROAMED)
        client.deliver({ROAMED})
        assert selected(worker) == ROAMED
        assert worker.counters.drops == {}

    async def test_only_so_many_calls_are_tried(self, worker: Worker, client: Client) -> None:
        for port in range(MAX_COLLISIONS):
            other = Client(worker)
            await other.connect(("198.51.100.1", port))
            worker.receive(other.media(), ("198.51.100.1", port))
        worker.receive(client.media(), ROAMED)
        assert worker.counters.drops == {DropReason.REBINDING_REFUSED: 1}

    async def test_a_callers_packets_in_anothers_name_draw_three_times_their_size_at_most(
        self, worker: Worker
    ) -> None:
        """The attacker has a call of its own, and forges the victim's address."""
        attacker = Client(worker)
        await attacker.connect(STRANGER)
        worker.take_sent()
        forged = [
            attacker.check(),
            attacker.media(),
            attacker.report(),
            b"\x16\xfe\xfd" + bytes(60),
        ]
        for datagram in forged:
            worker.receive(datagram, CLIENT)
        worker.tick(40)
        sent = sum(len(payload) for payload, to in worker.take_sent() if to == CLIENT)
        assert 0 < sent <= FACTOR * sum(map(len, forged))

    async def test_so_does_a_call_that_begins_in_anothers_name(self, worker: Worker) -> None:
        attacker = Client(worker)
        await attacker.call()
        check = attacker.check()
        worker.receive(check, CLIENT)
        worker.tick(40)
        sent = sum(len(payload) for payload, _to in worker.take_sent())
        assert 0 < sent <= FACTOR * len(check)

    async def test_another_callers_check_does_not_take_the_address_over(
        self, worker: Worker, client: Client
    ) -> None:
        attacker = Client(worker)
        await attacker.connect(STRANGER)
        worker.announced()
        worker.receive(attacker.check(), CLIENT)
        worker.take_sent()
        worker.receive(client.media(), CLIENT)
        assert worker.counters.drops == {}
        worker.tick(40)
        worker.receive(client.media(), CLIENT)
        assert (CLIENT, UnbindReason.MOVED) not in worker.announced()

    async def test_nor_does_it_keep_a_client_from_connecting(self, worker: Worker) -> None:
        attacker = Client(worker)
        await attacker.connect(STRANGER)
        client = Client(worker)
        await client.call()
        worker.receive(client.check(), CLIENT)
        worker.receive(attacker.check(), CLIENT)
        client.deliver({CLIENT})
        assert client.dtls.srtp_keys is not None


async def test_a_new_call_from_the_same_address_takes_it_over(
    worker: Worker, client: Client
) -> None:
    later = Client(worker)
    await later.connect(CLIENT)
    worker.receive(later.media(), CLIENT)
    assert worker.counters.drops == {}
    worker.announced()
    former, _later = worker.inference.calls
    client.ssrc = 4711
    former.receive(PacketKind.RTP, client.media(), CLIENT, worker.now)
    former.channel_closed(None)
    worker.tick(0.01)
    assert len(worker.calls) == 1
    assert worker.announced() == [], "the address is the later call's"


async def test_strangers_do_not_make_a_call_remember_them(worker: Worker, client: Client) -> None:
    forged = stun.binding_request(
        bytes(12),
        username=stun.parse(client.check()).username or b"",
        password=b"a guess",
        priority=1,
        tie_breaker=2,
        controlling=True,
    )
    for port in range(20):
        worker.receive(forged, ("198.51.100.66", port))
        worker.receive(spoiled(client.media()), ("198.51.100.66", port))
    assert worker.endpoint.sent == []
    [routed] = worker.calls._by_id.values()
    assert routed.paths._relays == {CLIENT: RELAY}


class TestSignalledAddresses:
    """Of SIP peers without ICE, where nothing proves them to be."""

    def test_they_are_announced_as_what_they_are(self) -> None:
        announcer = Announcer(1, 0.0)
        routes = CallRoutes(announcer)
        routed = routed_by(SignalledPath(CLIENT, ROAMED, 0.0))
        routes.update(routed)
        assert {(frame.client, control_message(frame)) for frame in announcer.changes()} == {
            (CLIENT, Bind(LIFETIME_S, False, (), True)),
            (ROAMED, Bind(LIFETIME_S, False, (), True)),
        }
        assert routes.at(CLIENT) is routes.at(ROAMED) is routed
        routes.forget(routed)
        assert {control_message(frame) for frame in announcer.changes()} == {
            Unbind(UnbindReason.CLOSED)
        }

    def test_those_behind_a_leased_port_are_not(self) -> None:
        announcer = Announcer(1, 0.0)
        path = LatchedPath(lambda _client: None)
        path.credit(100, CLIENT)
        CallRoutes(announcer).update(routed_by(path))
        assert announcer.changes() == []


def routed_by(path: MediaPath) -> RoutedCall:
    """A call of which only the way to its client counts."""
    transport = SimpleNamespace(path=path, revision=0, sources={})
    call: Any = SimpleNamespace(transport=transport, closed=None)
    paths: Any = SimpleNamespace(forget_unless=lambda _known: [])
    return RoutedCall(call, paths, ReofferLimit(0.0))
