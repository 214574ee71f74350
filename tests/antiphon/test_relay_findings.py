from typing import Any

import pytest

from antiphon.relay_findings import client_findings, relay_findings
from antiphon_proto.relay_report import (
    ClientFlow,
    ClientReport,
    KernelDrops,
    OwnedFlows,
    RelayReport,
)
from tests.antiphon.relay_reports import cluster, drops, relay, traffic, worker


def lines(after: RelayReport, before: RelayReport | None = None, seconds: float = 2) -> list[str]:
    return [str(each) for each in relay_findings(before or relay(), after, seconds)]


def told(after: RelayReport, mark: str, before: RelayReport | None = None) -> list[str]:
    return [line[6:] for line in lines(after, before) if line.startswith(mark)]


def test_a_sound_relay() -> None:
    after = relay(
        traffic=[traffic("to_owner", 1100), traffic("to_client", 2000)],
        checks_verified={0: 43},
        punts=50,
    )
    assert lines(after) == [
        "ok    ready, takes clients on 0.0.0.0:3478",
        "ok    1 of 1 workers run, 1 answer",
        "ok    worker 0: tunnel 10.0.0.1:40001, epoch 0123456789abcdef, compiled loop, lets "
        "packets gather for 0.4 ms; flows: 12 bound, 1 provisional; 12 SSRCs, table of 19.2 MB",
        "ok    owner 10.1.2.3:40001: 12 flows bound",
        "ok    key config 0: 43 checks verified, 3 of them just now",
        "ok    from clients to owners: 50 packets/s (rtp 50), 50 kbit/s",
        "ok    from owners to clients: 0 packets/s",
        "ok    left to Python by the compiled loop: 5 datagrams/s",
    ]


@pytest.mark.parametrize(
    ("changed", "failure"),
    [
        ({"not_ready": "1 of 2 workers run"}, "not ready: 1 of 2 workers run"),
        ({"workers_alive": 0, "workers": []}, "0 of 1 workers run, 0 answer"),
        ({"workers": []}, "1 of 1 workers run, 0 answer"),
        ({"worker_restarts": 1}, "a worker has just crashed: the relay's log says why"),
        (
            {"kernel_drops": KernelDrops(public=0, tunnel=30)},
            "discarded by the kernel, as the tunnel sockets' receive buffers were full: 30, 15/s. "
            "Add workers",
        ),
        (
            {"drops": [drops("table_full", 3, "fault")]},
            "dropped, table_full: 3 packets from clients to owners, 1.5/s. What table_full means. "
            "What to do about table_full.",
        ),
        (
            {
                "workers": [worker(bound=0, owners=[])],
                "drops": [drops("integrity", 1, refuses_checks=True)],
            },
            "clients' checks are refused, and no call goes through: do the keys differ?",
        ),
    ],
)
def test_what_is_wrong(changed: dict[str, Any], failure: str) -> None:
    assert told(relay(**changed), "FAIL") == [failure]


@pytest.mark.parametrize(
    ("changed", "noted"),
    [
        (
            {"draining": True, "not_ready": "draining"},
            "draining: takes no new client, and stops when idle or at its deadline",
        ),
        (
            {"drops": [drops("integrity", 3, refuses_checks=True)]},
            "dropped, integrity: 3 packets from clients to owners, 1.5/s. What integrity means. "
            "What to do about integrity.",
        ),
        (
            {"workers": [worker(fast_path=False, fallback="numba is missing", table_bytes=0)]},
            "worker 0: tunnel 10.0.0.1:40001, epoch 0123456789abcdef, plain Python (numba is "
            "missing); flows: 12 bound, 1 provisional; 12 SSRCs",
        ),
        (
            {"workers": [worker(bound=0, owners=[OwnedFlows(owner="10.1.2.3:40001", bound=0)])]},
            "no owner has bound a flow: there are no calls, or transceivers do not reach us",
        ),
        (
            {"workers": [worker(phone_ports=2, leased_ports=2)]},
            "all 2 phone ports are leased: the next phone behind NAT goes unheard",
        ),
        ({"evictions": 4}, "flows evicted early: 4, 2.0/s"),
        ({"receive_errors": 40}, "receive errors, as from ICMP: 40, 20/s"),
    ],
)
def test_what_is_worth_knowing(changed: dict[str, Any], noted: str) -> None:
    assert told(relay(**changed), "note") == [noted]
    assert told(relay(**changed), "FAIL") == []


def test_what_the_internet_does_is_no_fault() -> None:
    after = relay(drops=[drops("not_webrtc", 8, "expected")])
    assert "not_webrtc: 8 packets" in told(after, "ok")[-1]


def test_what_is_over_is_told_in_short() -> None:
    past = relay(
        worker_restarts=1,
        drops=[drops("integrity", 3), drops("table_full", 9, "fault")],
        kernel_drops=KernelDrops(public=5, tunnel=0),
    )
    assert told(past, "FAIL", past) == []
    assert told(past, "note", past) == [
        "workers crashed 1 times since the start: see the log",
        "discarded by the kernel, as the public sockets' receive buffers were full: 5 since the "
        "start, but none now",
    ]
    assert "dropped since the start, but not now: integrity 3, table_full 9" in told(
        past, "ok", past
    )


def test_a_worker_that_an_owner_does_not_reach() -> None:
    workers = [worker(), worker(index=1, tunnel="10.0.0.1:40002", bound=0, owners=[])]
    after = relay(workers=workers, workers_wanted=2, workers_alive=2)
    assert told(after, "note") == [
        "owner 10.1.2.3:40001: 12 flows bound, but none at 10.0.0.1:40002, which it may not reach"
    ]


def test_keys_before_and_after_a_rotation() -> None:
    after = relay(workers=[worker(config_ids=[1, 2])], checks_verified={0: 40, 1: 5})
    keys = [line[6:] for line in lines(after) if "key config" in line]
    assert keys == [
        "key config 0: 40 checks verified, 0 of them just now; it is no longer in the key file",
        "key config 1: 5 checks verified, 5 of them just now",
        "key config 2: 0 checks verified, 0 of them just now",
    ]


def test_a_relay_that_was_replaced_meanwhile_has_no_negative_rates() -> None:
    after = relay(traffic=[traffic("to_owner", 1), traffic("to_client", 1)], punts=0)
    assert not any("-" in line for line in lines(after) if "/s" in line)


def test_a_bound_client() -> None:
    flow = ClientFlow(
        worker=1, client="192.0.2.9:5000", owner="10.1.2.3:40001", state="bound", seconds_left=23
    )
    assert [str(each) for each in client_findings("192.0.2.9", ClientReport(flows=[flow]))] == [
        "ok    client 192.0.2.9:5000 at worker 1: bound to owner 10.1.2.3:40001 for 23 s more"
    ]


def test_a_client_that_signaling_named() -> None:
    flow = ClientFlow(
        worker=1, client="192.0.2.9:5000", owner="10.1.2.3:40001", state="signalled", seconds_left=9
    )
    [finding] = client_findings("192.0.2.9", ClientReport(flows=[flow]))
    assert finding.well
    assert "named by SIP to owner 10.1.2.3:40001, for 9 s more" in finding.text


def test_phone_ports_are_counted_over_all_workers() -> None:
    workers = [worker(phone_ports=2, leased_ports=2), worker(phone_ports=1)]
    assert "ok    phone ports: 2 of 3 leased" in lines(relay(workers=workers))


@pytest.mark.parametrize(
    ("answering", "found"),
    [
        (3, "ok    cluster 2: 3 of 3 relay workers answer"),
        (1, "note  cluster 2: 1 of 3 relay workers answer; its calls go through these"),
        (0, "FAIL  cluster 2: 0 of 3 relay workers answer: calls of its transceivers do not go"),
    ],
)
def test_another_cluster_counts_as_the_worker_sees_it_that_reaches_least(
    answering: int, found: str
) -> None:
    workers = [worker(clusters=[cluster(3)]), worker(clusters=[cluster(3, 7), cluster(answering)])]
    said = lines(relay(workers=workers))
    assert any(line.startswith(found) for line in said)
    assert "ok    cluster 7: 3 of 3 relay workers answer" in said


def test_a_client_that_is_not_confirmed() -> None:
    flow = ClientFlow(
        worker=0,
        client="192.0.2.9:5000",
        owner="10.1.2.3:40001",
        state="provisional",
        seconds_left=59,
    )
    [finding] = client_findings("192.0.2.9:5000", ClientReport(flows=[flow]))
    assert finding.well
    assert "provisional, to owner 10.1.2.3:40001 for 59 s more" in finding.text


def test_a_client_that_the_relay_does_not_know() -> None:
    [finding] = client_findings("192.0.2.9", ClientReport(flows=[]))
    assert not finding.well
    assert finding.text.startswith("client 192.0.2.9: no flow.")
