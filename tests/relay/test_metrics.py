from dataclasses import dataclass

import pytest
from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from antiphon_proto.demux import PacketKind
from relay.counters import CounterTable, Direction, Tally, Thread
from relay.drop_reason import DropReason
from relay.metrics import RelayCollector
from relay.public_addresses import PublicAddresses


class Sockets:
    """What is read of `RelaySockets`."""

    addresses = PublicAddresses.parse("0.0.0.0:3478,[::]:3478")

    def public_drops(self) -> int:
        return 5

    def tunnel_drops(self) -> int:
        return 7

    def phone_drops(self) -> int:
        return 3


@dataclass
class Workers:
    count: int = 2
    alive: int = 1
    restarts: int = 3

    def cpu_seconds(self, index: int) -> float:
        return 1.5 + index


class Scrape:
    """What Prometheus reads of two workers' counters."""

    def __init__(self) -> None:
        self.counters = CounterTable(2)
        self.draining = False
        self._registry = CollectorRegistry()
        self._registry.register(
            RelayCollector(
                self.counters, Workers(), Sockets(), lambda: self.draining, max_flows=1000
            )
        )

    def families(self) -> list[Metric]:
        return list(text_string_to_metric_families(generate_latest(self._registry).decode()))

    def value(self, name: str, **labels: str) -> float:
        [value] = [
            sample.value
            for family in self.families()
            for sample in family.samples
            if sample.name == f"antiphon_relay_{name}" and sample.labels == labels
        ]
        return value


@pytest.fixture
def scrape() -> Scrape:
    return Scrape()


def test_sums_packets_and_drops_over_workers_and_threads(scrape) -> None:
    for index in range(2):
        for thread in Thread:
            row = scrape.counters.worker(index, thread)
            row.sent_to_owner(PacketKind.RTP, 150)
            row.dropped(DropReason.TUNNEL_TAG)

    labels = {"direction": "to_owner", "kind": "rtp"}
    assert scrape.value("forwarded_packets_total", **labels) == 4
    assert scrape.value("forwarded_bytes_total", **labels) == 600
    assert scrape.value("dropped_packets_total", direction="to_client", reason="tunnel_tag") == 4


@pytest.mark.parametrize(
    ("tally", "name", "labels"),
    [
        (Tally.BOUND_FLOWS, "flows", {"state": "bound"}),
        (Tally.PROVISIONAL_FLOWS, "flows", {"state": "provisional"}),
        (Tally.SSRCS, "ssrc_bindings", {}),
        (Tally.EVICTIONS, "flow_evictions_total", {}),
        (Tally.RECEIVE_ERRORS, "receive_errors_total", {}),
        (Tally.PUNTS, "punted_datagrams_total", {}),
        (Tally.TUNNEL_DATAGRAMS_SENT, "tunnel_datagrams_sent_total", {}),
        (Tally.WAKE_UPS, "wake_ups_total", {}),
    ],
)
def test_every_tally_has_its_metric(scrape, tally: Tally, name: str, labels) -> None:
    scrape.counters.worker(0).add(tally, 2)
    scrape.counters.worker(1).add(tally, 3)
    assert scrape.value(name, **labels) == 5


def test_gauges_of_one_worker_are_not_summed(scrape) -> None:
    for index, nanoseconds in enumerate((250_000, 1_000_000)):
        scrape.counters.worker(index, Thread.FAST).gauge(Tally.MODERATION_NANOSECONDS, nanoseconds)
    scrape.counters.worker(1, Thread.FAST).gauge(Tally.FAST_PATH, 1)

    assert scrape.value("moderation_seconds", worker="0") == 0.00025
    assert scrape.value("moderation_seconds", worker="1") == 0.001
    assert [scrape.value("fast_path", worker=worker) for worker in "01"] == [0, 1]


def test_a_worker_tells_its_cpu_time_and_all_of_them_their_room_for_flows(scrape) -> None:
    assert [scrape.value("cpu_seconds_total", worker=worker) for worker in "01"] == [1.5, 2.5]
    assert scrape.value("flow_capacity") == 2000


def test_batches_are_a_cumulative_histogram(scrape) -> None:
    for datagrams in (1, 3, 4, 256):
        scrape.counters.worker(0).batch(Direction.TO_CLIENT, datagrams)

    bucket = {
        bound: scrape.value("batch_datagrams_bucket", direction="to_client", le=bound)
        for bound in ("1.0", "2.0", "4.0", "128.0", "256.0", "+Inf")
    }
    assert bucket == {"1.0": 1, "2.0": 1, "4.0": 3, "128.0": 3, "256.0": 4, "+Inf": 4}
    assert scrape.value("batch_datagrams_sum", direction="to_client") == 264
    assert scrape.value("batch_datagrams_count", direction="to_client") == 4
    assert scrape.value("batch_datagrams_count", direction="to_owner") == 0


def test_tells_which_keys_are_in_use(scrape) -> None:
    for worker in range(2):
        scrape.counters.worker(worker).check_verified(6)
    assert scrape.value("checks_verified_total", config_id="6") == 2
    assert scrape.value("checks_verified_total", config_id="0") == 0


def test_tells_the_state_of_the_processes(scrape) -> None:
    assert scrape.value("workers") == 1
    assert scrape.value("worker_restarts_total") == 3
    assert scrape.value("draining") == 0
    scrape.draining = True
    assert scrape.value("draining") == 1


def test_counts_what_the_kernel_discarded(scrape) -> None:
    assert scrape.value("receive_buffer_drops_total", socket="public") == 5
    assert scrape.value("receive_buffer_drops_total", socket="tunnel") == 7
