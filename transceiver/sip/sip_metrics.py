"""Prometheus metrics of one worker's SIP, read from plain counters at a scrape."""

from collections.abc import Callable, Iterable

from prometheus_client.metrics_core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from transceiver.metric_families import by_enum, counter, gauge
from transceiver.sip.flow import SipTransport
from transceiver.sip.sip_counters import CLASSES, METHODS, OTHER, Direction, SipCounters
from transceiver.sip.sip_drop import SipDrop
from transceiver.sip.user_agent import Unheard


class SipCollector(Collector):
    """Translates the counters into metric families."""

    def __init__(
        self,
        counters: SipCounters,
        *,
        connections: Callable[[], int],
        transactions: Callable[[], int],
        sessions: Callable[[], int],
    ) -> None:
        """The functions tell how many there are at the moment."""
        self._counters = counters
        self._connections = connections
        self._transactions = transactions
        self._sessions = sessions

    def collect(self) -> Iterable[Metric]:
        counters = self._counters
        yield self._messages()
        yield by_enum(
            "antiphon_transceiver_sip_drops",
            "SIP messages and connections that were dropped before they were understood.",
            "reason",
            SipDrop,
            counters.drops,
        )
        yield by_enum(
            "antiphon_transceiver_sip_unheard",
            "SIP messages that had no effect and no answer.",
            "reason",
            Unheard,
            counters.unheard,
        )
        yield counter(
            "antiphon_transceiver_sip_handed_over",
            "SIP messages that belonged to another worker than they reached.",
            counters.handed_over,
        )
        yield counter(
            "antiphon_transceiver_sip_connections_opened",
            "Connections with SIP peers, whoever made them.",
            counters.connections_opened,
        )
        yield counter(
            "antiphon_transceiver_sip_defects",
            "SIP messages and timers that met an error of this program, which the log shows.",
            counters.defects,
        )
        yield gauge(
            "antiphon_transceiver_sip_connections",
            "Connections with SIP peers that are open.",
            self._connections(),
        )
        yield gauge(
            "antiphon_transceiver_sip_transactions",
            "SIP transactions that this worker keeps: each for up to 32 seconds after its end.",
            self._transactions(),
        )
        yield gauge(
            "antiphon_transceiver_sip_sessions",
            "Sessions by INVITE of this worker, those that ring and those that end included.",
            self._sessions(),
        )

    def _messages(self) -> Metric:
        family = CounterMetricFamily(
            "antiphon_transceiver_sip_messages",
            "SIP messages at this worker's sockets, by a request's method or a response's class.",
            labels=["direction", "transport", "kind"],
        )
        for direction in Direction:
            for transport in SipTransport:
                for kind in (*METHODS, OTHER, *CLASSES):
                    count = self._counters.messages[direction, transport, kind]
                    family.add_metric([direction.value, transport.value.lower(), kind], count)
        return family
