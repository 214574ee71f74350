"""What `/metrics` shows of sessions that go on after a loss."""

from collections.abc import Iterable

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from transceiver.metric_families import by_enum, counter, gauge
from transceiver.resumption.counters import ResumeOutcome, ResumptionCounters
from transceiver.resumption.snapshot_store import SnapshotStore


class ResumptionCollector(Collector):
    """Reads plain counters at a scrape."""

    def __init__(self, counters: ResumptionCounters, store: SnapshotStore) -> None:
        self._counters = counters
        self._store = store

    def collect(self) -> Iterable[Metric]:
        counters, store = self._counters, self._store
        yield by_enum(
            "antiphon_transceiver_resumptions",
            "Clients that came again to go on with a session.",
            "outcome",
            ResumeOutcome,
            counters.outcomes,
        )
        yield counter(
            "antiphon_transceiver_snapshot_parts",
            "Changes of conversations that were sent to whoever keeps them.",
            counters.parts_sent,
        )
        yield counter(
            "antiphon_transceiver_snapshot_sent_bytes",
            "Bytes of these changes.",
            counters.bytes_sent,
        )
        yield counter(
            "antiphon_transceiver_snapshot_places_lost",
            "Times that whoever keeps conversations did not answer.",
            counters.places_lost,
        )
        yield counter(
            "antiphon_transceiver_redis_failures",
            "Times that the Redis of --resume-redis did not answer, or refused.",
            counters.redis_failures,
        )
        yield gauge(
            "antiphon_transceiver_redis_answers",
            "1 while the Redis of --resume-redis keeps conversations.",
            int(counters.redis_answers),
        )
        yield gauge(
            "antiphon_transceiver_snapshots", "Conversations that are kept for others.", len(store)
        )
        yield gauge(
            "antiphon_transceiver_snapshot_bytes", "Bytes of these conversations.", store.bytes
        )
