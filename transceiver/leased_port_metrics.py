"""What `/metrics` shows of the relays' ports that calls have leased."""

from collections.abc import Iterable

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from transceiver.leased_ports import LeasedPorts, LeaseOutcome
from transceiver.metric_families import by_enum, counter, gauge


class LeasedPortsCollector(Collector):
    """Reads plain counters at a scrape."""

    def __init__(self, ports: LeasedPorts) -> None:
        self._ports = ports

    def collect(self) -> Iterable[Metric]:
        yield gauge(
            "antiphon_transceiver_leased_ports",
            "Relays' phone ports that calls of this worker have.",
            self._ports.held,
        )
        yield by_enum(
            "antiphon_transceiver_port_leases",
            "What became of requests for a relay's phone port.",
            "outcome",
            LeaseOutcome,
            self._ports.outcomes,
        )
        yield counter(
            "antiphon_transceiver_stray_phone_packets",
            "Packets of phone ports that are not, or no longer, leased.",
            self._ports.strays,
        )
