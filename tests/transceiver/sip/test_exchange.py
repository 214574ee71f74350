import pytest

from tests.transceiver.sip.transport_driver import (
    ELSEWHERE,
    PHONE,
    WORKERS,
    Connection,
    Host,
    Worker,
    names,
    request,
    response,
)
from transceiver.sip.connection_table import MAX_OF_ONE_SOURCE, MAX_UNSENT_BYTES, SILENT_S
from transceiver.sip.flow import Flow, SipTransport
from transceiver.sip.sip_counters import Direction
from transceiver.sip.sip_drop import SipDrop
from transceiver.sip.source_limits import AT_ONCE
from transceiver.sip.stream_framing import MAX_MESSAGE_BYTES
from transceiver.sip.user_agent import Unheard

HERE, NEXT, THIRD = WORKERS


@pytest.fixture
def host() -> Host:
    return Host()


@pytest.fixture
def here(host: Host) -> Worker:
    return host.workers[HERE]


@pytest.fixture
def owner(host: Host) -> Worker:
    return host.workers[NEXT]


def udp(edge: tuple[str, int] = HERE) -> Flow:
    return Flow(edge, SipTransport.UDP, PHONE)


def connect(worker: Worker) -> tuple[Flow, Connection]:
    connection = Connection()
    flow = worker.exchange.opened(connection, SipTransport.TCP, PHONE)
    assert flow is not None
    return flow, connection


def test_a_message_that_reaches_the_wrong_worker_comes_to_its_owner(
    host: Host, here: Worker, owner: Worker
) -> None:
    message = request("BYE", to_tag=names(NEXT).tag())
    here.exchange.datagram(message, PHONE)
    host.run()
    assert owner.heard == [(message, udp())]
    assert here.heard == []
    assert here.counters.handed_over == 1
    assert here.counters.messages[Direction.IN, SipTransport.UDP, "BYE"] == 1


def test_the_owner_answers_by_the_port_that_all_workers_of_the_host_have(
    owner: Worker, here: Worker
) -> None:
    owner.exchange.send(response(), udp())
    assert owner.sent == [(response(), PHONE)]
    assert here.sent == []
    assert owner.counters.messages[Direction.OUT, SipTransport.UDP, "2xx"] == 1


def test_another_hosts_port_is_reached_through_it(host: Host, here: Worker) -> None:
    host.workers[ELSEWHERE] = Worker(ELSEWHERE, host)
    here.exchange.send(response(), udp(ELSEWHERE))
    host.run()
    assert host.workers[ELSEWHERE].sent == [(response(), PHONE)]


def test_a_connection_of_another_worker_is_written_to(
    host: Host, here: Worker, owner: Worker
) -> None:
    flow, connection = connect(here)
    message = request("BYE", to_tag=names(NEXT).tag())
    here.exchange.received(message, flow)
    host.run()
    assert owner.heard == [(message, flow)]
    owner.exchange.send(response(), flow)
    host.run()
    assert connection.written == [response()]


def test_all_who_used_a_connection_hear_of_its_end(host: Host, here: Worker, owner: Worker) -> None:
    flow, _ = connect(here)
    here.exchange.received(request("BYE", to_tag=names(NEXT).tag()), flow)
    here.exchange.send(response(), flow)
    here.exchange.closed(flow)
    here.exchange.closed(flow)
    host.run()
    assert [worker.lost for worker in host.workers.values()] == [[flow], [flow], []]


@pytest.mark.parametrize("sender", [HERE, NEXT])
def test_what_is_for_a_connection_that_is_over_is_told_later(
    host: Host, sender: tuple[str, int]
) -> None:
    flow, _ = connect(host.workers[HERE])
    host.workers[HERE].exchange.closed(flow)
    host.workers[sender].exchange.send(response(), flow)
    assert host.workers[sender].lost == []
    host.run()
    assert host.workers[sender].lost == [flow]
    assert host.workers[HERE].counters.drops[SipDrop.CONNECTION_GONE] == 1


def test_a_slow_peer_is_cut_off(host: Host, here: Worker) -> None:
    flow, connection = connect(here)
    connection.unsent_bytes = MAX_UNSENT_BYTES + 1
    here.exchange.send(response(), flow)
    host.run()
    assert connection.aborted
    assert here.counters.drops[SipDrop.SLOW_PEER] == 1


def test_what_the_system_does_not_send_is_undeliverable_later(host: Host, here: Worker) -> None:
    here.can_send = False
    here.exchange.send(request(), udp())
    assert here.unsent == []
    host.run()
    assert here.unsent == [request()]
    assert here.counters.drops[SipDrop.SEND_FAILED] == 1


def test_where_the_owner_is_gone_this_worker_says_so(
    host: Host, here: Worker, owner: Worker
) -> None:
    host.gone.add(NEXT)
    message = request("BYE", to_tag=names(NEXT).tag())
    here.exchange.datagram(message, PHONE)
    host.run()
    assert here.heard == [(message, udp())]
    assert here.counters.drops[SipDrop.WORKER_UNREACHABLE] == 1
    host.gone.clear()
    here.exchange.datagram(message, PHONE)
    host.run()
    assert owner.heard == [(message, udp())]


def test_nobody_speaks_for_an_owner_that_is_silent(host: Host, here: Worker, owner: Worker) -> None:
    host.silent.add(NEXT)
    message = request("BYE", to_tag=names(NEXT).tag())
    here.exchange.datagram(message, PHONE)
    host.run()
    assert here.heard == []
    assert here.counters.drops[SipDrop.WORKER_UNREACHABLE] == 1
    host.silent.clear()
    # A worker that began after it was asked in vain.
    here.exchange.datagram(message, PHONE)
    host.run()
    assert owner.heard == [(message, udp())]


def test_what_begins_goes_to_a_worker_that_is_there(host: Host, here: Worker) -> None:
    host.gone, host.silent = {NEXT}, {THIRD}
    for number in range(20):
        here.exchange.datagram(request(call_id=f"{number}"), PHONE)
        host.run()
    assert len(here.heard) == 20


def test_a_connections_worker_that_is_gone_takes_it_along(host: Host, owner: Worker) -> None:
    flow, _ = connect(host.workers[HERE])
    host.gone.add(HERE)
    owner.exchange.send(response(), flow)
    host.run()
    assert owner.lost == [flow]


def test_too_much_for_one_worker_is_dropped_and_told(host: Host, here: Worker) -> None:
    host.full.add(NEXT)
    here.exchange.datagram(request("BYE", to_tag=names(NEXT).tag()), PHONE)
    here.exchange.send(response(), Flow(NEXT, SipTransport.TCP, PHONE, 1))
    host.run()
    assert here.counters.drops[SipDrop.WORKER_BACKLOG] == 2
    assert here.lost == [Flow(NEXT, SipTransport.TCP, PHONE, 1)]


def test_strangers_are_limited_and_acquaintances_are_not(host: Host, here: Worker) -> None:
    def heard(messages: int, remote: tuple[str, int], to_tag: str = "") -> int:
        before = sum(len(worker.heard) for worker in host.workers.values())
        for number in range(messages):
            here.exchange.datagram(request(call_id=f"{number}", to_tag=to_tag), remote)
        host.run()
        return sum(len(worker.heard) for worker in host.workers.values()) - before

    assert heard(200, PHONE) == AT_ONCE
    assert here.counters.drops[SipDrop.SOURCE_LIMIT] == 200 - AT_ONCE
    assert heard(200, PHONE, to_tag=names(NEXT).tag()) == 200
    here.exchange.send(response(200), udp())
    assert heard(200, PHONE) == 200
    here.knows.add("203.0.113.5")
    assert heard(200, ("203.0.113.5", 5060)) == 200


def test_a_connection_over_which_something_was_granted_is_not_limited(
    host: Host, here: Worker
) -> None:
    flow, _ = connect(here)
    here.exchange.send(response(200), flow)
    for number in range(200):
        here.exchange.received(request(call_id=f"{number}"), flow)
    assert here.counters.drops[SipDrop.SOURCE_LIMIT] == 0


@pytest.mark.parametrize(
    "data",
    [b"GET / HTTP/1.1\r\n\r\n", b"INVITE", b"\xff" * 20, request(body=b"x" * MAX_MESSAGE_BYTES)],
)
def test_what_is_no_sip_is_counted_and_not_answered(here: Worker, data: bytes) -> None:
    here.exchange.datagram(data, PHONE)
    assert here.counters.drops == {SipDrop.NOT_SIP: 1}
    assert here.heard == here.sent == []


@pytest.mark.parametrize(
    "data", [b"", b"\r\n\r\n", b"\0", b"\0\0\0\0", b"\0\1\0\0\x21\x12\xa4\x42"]
)
def test_keep_alives_of_phones_are_ignored(here: Worker, data: bytes) -> None:
    here.exchange.datagram(data, PHONE)
    assert here.counters.drops == {}
    assert here.heard == here.sent == []


def test_empty_lines_before_a_message_are_ignored(host: Host, here: Worker) -> None:
    message = request(to_tag=names(HERE).tag())
    here.exchange.datagram(b"\r\n" + message, PHONE)
    assert here.heard == [(message, udp())]


def test_what_has_no_effect_is_counted(here: Worker) -> None:
    here.unheard = Unheard.STRAY_RESPONSE
    here.exchange.datagram(response(), PHONE)
    assert here.counters.unheard == {Unheard.STRAY_RESPONSE: 1}


def test_connections_beyond_the_limit_are_refused(here: Worker) -> None:
    for _ in range(MAX_OF_ONE_SOURCE):
        connect(here)
    assert here.exchange.opened(Connection(), SipTransport.TCP, PHONE) is None
    assert here.counters.drops == {SipDrop.CONNECTION_LIMIT: 1}
    assert here.exchange.open_connections == MAX_OF_ONE_SOURCE


def test_ipv4_is_ipv4_also_at_a_socket_of_both_families(here: Worker) -> None:
    remote = ("::ffff:198.51.100.7", 5062)
    flow = here.exchange.opened(Connection(), SipTransport.TCP, remote)
    assert flow is not None
    assert flow.remote == PHONE


def test_connections_of_no_use_are_ended(host: Host, here: Worker) -> None:
    _, connection = connect(here)
    host.now += SILENT_S + 1
    here.exchange.sweep()
    assert connection.aborted


def test_news_reach_every_sibling_and_nobody_else(host: Host, here: Worker) -> None:
    here.exchange.broadcast(b"alice is at work")
    host.run()
    assert [worker.news for worker in host.workers.values()] == [
        [],
        [b"alice is at work"],
        [b"alice is at work"],
    ]
