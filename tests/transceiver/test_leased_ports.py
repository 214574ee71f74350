"""Leases of relays' ports, with relay workers played by the test."""

from dataclasses import dataclass, field
from itertools import count

import pytest

from antiphon_proto.address import Address
from antiphon_proto.tunnel import Frame, FrameType, split_port_payload
from antiphon_proto.tunnel_control import Lease, Leased, Release, control_message
from transceiver import leased_ports
from transceiver.leased_port import LeasedPort, PortState
from transceiver.leased_ports import (
    ANYBODY,
    ASK_AGAIN_S,
    ASKED_TIMES,
    LIFETIME_S,
    MAX_ASKED,
    REFRESH_S,
    REFUSED_S,
    LeasedPorts,
    LeasedPortsFullError,
    LeaseOutcome,
)

A, B, C = (("10.0.0.1", 4000 + number) for number in range(3))
PHONE, PHONE_RTCP = ("203.0.113.7", 5004), ("203.0.113.7", 5005)
PUBLIC = "192.0.2.1"
PORT = 40_000
STEP_S = 0.01


@dataclass
class Worker:
    """A transceiver worker that talks to relay workers `relays`."""

    relays: list[Address] = field(default_factory=lambda: [A, B])
    now: float = 1000.0
    sent: list[tuple[Frame, Address]] = field(default_factory=list)
    heard: list[tuple[bytes, Address]] = field(default_factory=list)
    settled: list[PortState] = field(default_factory=list)

    def __post_init__(self) -> None:
        numbers = count(1)
        self.ports = LeasedPorts(
            new_id=lambda: next(numbers),
            answering=lambda: self.relays,
            send=lambda frame, relay: self.sent.append((frame, relay)),
        )

    def lease(self, source: str | None = PHONE[0]) -> LeasedPort:
        return self.ports.lease(
            source,
            on_datagram=lambda datagram, client, _now: self.heard.append((datagram, client)),
            on_settled=lambda port: self.settled.append(port.state),
            now=self.now,
        )

    def said(self) -> list[tuple[Lease | Release, Address]]:
        messages = [(control_message(frame), to) for frame, to in self.ports.take_frames()]
        return [(m, to) for m, to in messages if isinstance(m, (Lease, Release))]

    def asked(self) -> tuple[Lease, Address]:
        """The one request that leaves now."""
        [(message, relay)] = self.said()
        assert isinstance(message, Lease)
        return message, relay

    def answer(self, port: LeasedPort, number: int = PORT, relay: Address | None = None) -> None:
        assert port.relay is not None
        self.ports.answered(relay or port.relay, Leased(port.id, (PUBLIC, number)), self.now)

    def held(self, source: str | None = PHONE[0]) -> LeasedPort:
        port = self.lease(source)
        self.answer(port)
        self.said()
        return port

    def wait(self, seconds: float) -> list[tuple[Lease | Release, Address]]:
        """What is said meanwhile."""
        for _ in range(round(seconds / STEP_S)):
            self.now += STEP_S
            self.ports.tick(self.now)
        return self.said()


@pytest.fixture
def worker() -> Worker:
    return Worker()


class TestAsking:
    def test_a_port_is_held_once_a_relay_worker_gives_it(self, worker: Worker) -> None:
        port = worker.lease()
        lease, relay = worker.asked()
        assert lease == Lease(port.id, LIFETIME_S, 0, ((PHONE[0], 0),))
        assert (port.state, port.address, worker.settled) == (PortState.ASKED, None, [])

        worker.answer(port)
        assert (port.state, port.relay, port.address) == (PortState.HELD, relay, (PUBLIC, PORT))
        assert worker.settled == [PortState.HELD]
        assert (
            len(worker.ports),
            worker.ports.held,
            worker.ports.outcomes[LeaseOutcome.GRANTED],
        ) == (1, 1, 1)

    def test_a_phone_with_keys_is_heard_from_anywhere(self, worker: Worker) -> None:
        worker.lease(None)
        assert worker.asked()[0].sources == (ANYBODY,)

    def test_a_request_that_is_lost_is_repeated(self, worker: Worker) -> None:
        port = worker.lease()
        first = worker.asked()
        assert worker.wait(ASK_AGAIN_S + STEP_S) == [first]
        worker.answer(port)
        assert worker.wait(REFRESH_S / 2) == []

    def test_a_relay_worker_that_says_nothing_is_left_for_another(self, worker: Worker) -> None:
        port = worker.lease()
        _lease, silent = worker.asked()
        said = worker.wait(ASKED_TIMES * (ASK_AGAIN_S + STEP_S))
        assert (Release(port.id), silent) in said
        assert port.relay not in (None, silent)
        worker.answer(port, relay=silent)
        assert port.state is PortState.ASKED
        worker.answer(port)
        assert port.state is PortState.HELD

    def test_refusals_lead_to_the_next_and_at_last_to_none(self, worker: Worker) -> None:
        port = worker.lease()
        first = port.relay
        worker.answer(port, 0)
        assert {first, port.relay} == {A, B}
        worker.answer(port, 0)
        assert worker.settled == [PortState.GONE]
        assert (len(worker.ports), worker.ports.outcomes[LeaseOutcome.REFUSED]) == (0, 1)
        assert all(isinstance(message, Lease) for message, _ in worker.said())
        assert worker.wait(1) == []

    def test_who_refused_lately_is_asked_last(self, worker: Worker) -> None:
        port = worker.lease()
        refusing = port.relay
        worker.answer(port, 0)
        worker.answer(port)
        assert refusing not in {worker.lease().relay for _ in range(10)}
        worker.wait(REFUSED_S + STEP_S)
        assert refusing in {worker.lease().relay for _ in range(20)}

    def test_without_a_relay_there_is_none(self, worker: Worker) -> None:
        worker.relays = []
        assert worker.lease().state is PortState.GONE
        assert worker.settled == [PortState.GONE]
        assert worker.said() == []

    def test_only_so_many_relay_workers_are_asked(self, worker: Worker) -> None:
        worker.relays = [("10.0.0.2", number) for number in range(1, 3 * MAX_ASKED)]
        port = worker.lease()
        asked = 0
        while port.state is PortState.ASKED:
            asked += 1
            worker.answer(port, 0)
        assert asked == MAX_ASKED

    def test_a_worker_has_so_many_leases(
        self, worker: Worker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(leased_ports, "MAX_LEASES", 2)
        first, _second = worker.lease(), worker.lease()
        with pytest.raises(LeasedPortsFullError):
            worker.lease()
        first.release()
        worker.lease()


class TestHolding:
    def test_it_is_asked_for_again_before_it_ends(self, worker: Worker) -> None:
        port = worker.held()
        for _ in range(3):
            [(lease, relay), *_] = worker.wait(REFRESH_S + 2 * STEP_S)
            assert (lease, relay) == (Lease(port.id, LIFETIME_S, PORT, port.sources), port.relay)
            worker.answer(port)

    def test_what_a_relay_worker_forgot_it_is_asked_for_by_number(self, worker: Worker) -> None:
        port, elsewhere = worker.held(), worker.lease()
        worker.said()
        worker.ports.returned(B if port.relay == A else A)
        assert worker.said() == []
        assert port.relay is not None
        worker.ports.returned(port.relay)
        lease, relay = worker.asked()
        assert (lease.port, relay) == (PORT, port.relay)
        assert elsewhere.state is PortState.ASKED

    def test_it_is_kept_while_its_relay_worker_is_silent(self, worker: Worker) -> None:
        port = worker.held()
        worker.wait(3 * LIFETIME_S)
        assert port.state is PortState.HELD
        assert worker.settled == [PortState.HELD]

    def test_one_that_the_relay_worker_gave_away_is_gone(self, worker: Worker) -> None:
        port = worker.held()
        worker.answer(port, 0)
        assert worker.settled == [PortState.HELD, PortState.GONE]
        assert (worker.ports.held, worker.ports.outcomes[LeaseOutcome.LOST]) == (0, 1)
        port.send(b"late", PHONE)
        assert worker.sent == []

    def test_released_it_is_given_back_once(self, worker: Worker) -> None:
        port = worker.held()
        port.release()
        port.release()
        assert worker.said() == [(Release(port.id), port.relay)]
        assert (port.state, worker.settled) == (PortState.GONE, [PortState.HELD])
        assert worker.wait(LIFETIME_S) == []

    @pytest.mark.parametrize("late", [7, 1])
    def test_answers_to_nobody_change_nothing(self, worker: Worker, late: int) -> None:
        port = worker.held()
        port.release()
        worker.ports.answered(A, Leased(late, (PUBLIC, PORT)), worker.now)
        assert worker.ports.held == 0


class TestTraffic:
    def test_a_packet_of_the_port_reaches_the_call(self, worker: Worker) -> None:
        port = worker.held()
        assert port.relay is not None
        worker.ports.receive(port.relay, PORT, b"media", PHONE, worker.now)
        assert worker.heard == [(b"media", PHONE)]

    @pytest.mark.parametrize(("relay", "number"), [(C, PORT), (None, PORT + 1)])
    def test_a_packet_of_another_port_reaches_nobody(
        self, worker: Worker, relay: Address | None, number: int
    ) -> None:
        port = worker.held()
        assert port.relay is not None
        worker.ports.receive(relay or port.relay, number, b"media", PHONE, worker.now)
        assert (worker.heard, worker.ports.strays) == ([], 1)

    def test_nothing_is_sent_before_the_phone_was_found(self, worker: Worker) -> None:
        port = worker.held()
        port.send(b"voice", PHONE)
        assert worker.sent == []

    def test_where_it_was_found_it_is_sent_to_and_the_relay_told_before(
        self, worker: Worker
    ) -> None:
        port = worker.held()
        port.latch(PHONE)
        assert worker.asked()[0].sources == (PHONE, (PHONE[0], 0))
        port.send(b"voice", PHONE)
        port.send(b"voice", PHONE_RTCP)
        [(frame, relay)] = worker.sent
        assert (frame.type, frame.client, relay) == (FrameType.PORT_DATA, PHONE, port.relay)
        assert split_port_payload(frame.payload) == (PORT, b"voice")

    def test_found_elsewhere_it_is_sent_to_there_alone(self, worker: Worker) -> None:
        port = worker.held()
        port.latch(PHONE)
        port.latch(PHONE)
        assert len(worker.said()) == 1
        port.latch(PHONE_RTCP)
        port.send(b"voice", PHONE)
        port.send(b"voice", PHONE_RTCP)
        assert [frame.client for frame, _relay in worker.sent] == [PHONE_RTCP]

    def test_a_change_that_is_lost_is_told_again(self, worker: Worker) -> None:
        port = worker.held()
        port.latch(PHONE)
        told = worker.asked()
        assert worker.wait(ASK_AGAIN_S + STEP_S) == [told]
        worker.answer(port)
        assert worker.wait(1) == []
