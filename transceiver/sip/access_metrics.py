"""Prometheus metrics of whom one worker lets in by SIP, and of the phones that it knows."""

from collections.abc import Iterable

from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from transceiver.metric_families import by_enum, gauge
from transceiver.sip.access_control import AccessControl
from transceiver.sip.access_gatekeeper import Unproven


class AccessCollector(Collector):
    """Translates an AccessControl's counters into metric families."""

    def __init__(self, access: AccessControl) -> None:
        self._access = access

    def collect(self) -> Iterable[Metric]:
        yield by_enum(
            "antiphon_transceiver_sip_unproven",
            "SIP requests that were not let in, by the reason.",
            "reason",
            Unproven,
            self._access.unproven,
        )
        yield gauge(
            "antiphon_transceiver_sip_registrations",
            "Contacts of SIP phones that this worker knows, whichever one they registered at.",
            len(self._access.registrations),
        )
