"""Makes docs/metrics.md from the code: `python -m tests.metrics_page` writes it.

Every metric of every tier, as a scrape of a process that has done nothing yet shows it.
"""

import textwrap
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from pathlib import Path

from prometheus_client import CollectorRegistry, Metric, ProcessCollector

from antiphon_proto.cluster_keys import ClusterKeys
from chassis.member_docstrings import member_docstrings
from chassis.process_metrics import BuildCollector
from chassis.tracing.metrics import SpanCollector
from chassis.tracing.span_queue import SpanQueue, SpanResult
from inference.admission import Admission
from inference.engines.cascade.counters import CascadeCounters
from inference.engines.native.backlog import Shed
from inference.engines.native.counters import NativeCounters
from inference.engines.native.metrics import NativeCollector
from inference.error_code import ErrorCode
from inference.metrics import InferenceCollector, StageLatency
from inference.trunk_counters import AudioDrop
from inference.trunk_counters import TrunkCounters as InferenceTrunkCounters
from relay.cluster_key_metrics import ClusterKeyCollector as RelayKeyCollector
from relay.counters import CounterTable
from relay.drop_advice import meanings, reasons
from relay.metrics import RelayCollector
from tests.deploy.rule_files import alerts, recorded
from tests.relay.test_metrics import Sockets, Workers
from tests.transceiver.test_metrics import Limits
from transceiver.announcer import Announcer, Occasion
from transceiver.audio.opus_mode import OpusMode
from transceiver.close_reason import CloseReason
from transceiver.cluster_key_metrics import ClusterKeyCollector
from transceiver.counters import CallCounters, TrunkCounters, TunnelCounters
from transceiver.drop_reason import DropReason
from transceiver.hand_off import HandOffOutcome, HandOffReason
from transceiver.leased_port_metrics import LeasedPortsCollector
from transceiver.leased_ports import LeasedPorts, LeaseOutcome
from transceiver.ledger import TurnAccount
from transceiver.mcp.counters import McpCounters, McpResult
from transceiver.mcp.metrics import McpCollector
from transceiver.metrics import (
    ProbeSeconds,
    RelayWorkersCollector,
    TurnLatency,
    WorkerCollector,
)
from transceiver.regions.counters import ClusterOutcome, RegionCounters
from transceiver.regions.metrics import RegionCollector
from transceiver.regions.zones import CurrentZones
from transceiver.regions.zones_file import parse_zones
from transceiver.relay_directory import RelayDirectory
from transceiver.replica_directory import ReplicaDirectory, ReplicaState
from transceiver.replica_metrics import ReplicaCollector
from transceiver.resumption.counters import ResumeOutcome, ResumptionCounters
from transceiver.resumption.snapshot_store import SnapshotStore
from transceiver.resumption_metrics import ResumptionCollector
from transceiver.rtp.reordering import ReorderingDrop
from transceiver.signaling.key_refusal import KeyRefusal
from transceiver.sip.access import CurrentAccess, SipAccess
from transceiver.sip.access_control import AccessControl
from transceiver.sip.access_gatekeeper import Unproven
from transceiver.sip.access_metrics import AccessCollector
from transceiver.sip.sip_counters import SipCounters
from transceiver.sip.sip_drop import SipDrop
from transceiver.sip.sip_metrics import SipCollector
from transceiver.sip.user_agent import Unheard
from transceiver.sip_calls.ring_end import RingEnd
from transceiver.webhooks.delivery import WebhookCounters, WebhookOutcome
from transceiver.webhooks.metrics import WebhookCollector

KEYS = ClusterKeys.parse(ClusterKeys.generate(bytes(32)))

PAGE = Path(__file__).parents[1] / "docs" / "metrics.md"

INTRODUCTION = """\
# Metrics

Every process serves Prometheus metrics at `/metrics` of its admin port, in base units, with
labels of few values: never an address, a ufrag or an id of a call. A relay's and an inference
replica's are of all their workers; each transceiver worker has an admin port and metrics of its
own, so sum over them.

This page is made from the code by `python -m tests.metrics_page`; a test holds it up to date.
"""

ALERTS = """\
## What to alert on

The rules that the chart brings along, `deploy/k8s/rules`; [what to do](runbooks.md) about each.
They work as they are in any Prometheus (`rule_files`), where a scrape adds the labels `namespace`
and `pod`, and a `job` of the form `antiphon-TIER`:

```yaml
scrape_configs:
  - job_name: antiphon-relay
    static_configs:
      - targets: ["10.0.0.5:8081"]
        labels: {namespace: voice, pod: relay-0}
```
"""

RECORDED = """\
### Recorded series

What dashboards, alerts and autoscalers ask for often, evaluated every 15 s.
"""

MORE_QUERIES = """\
A key is out of use, and its line may leave the cluster's key file, when
`rate(antiphon_relay_checks_verified_total{config_id="N"}[1h])` is 0. Frames in one tunnel datagram are
`sum(rate(antiphon_relay_forwarded_packets_total{direction="to_owner"}[5m])) /
rate(antiphon_relay_tunnel_datagrams_sent_total[5m])`.
"""  # noqa: E501

TWO_CLUSTERS = """\
zones.europe.clusters = [1]
zones.america.clusters = [2]
clusters.2.api = "https://us.voice.example"
"""

RELAY_DROPS = """\
### Why a relay drops

`severity` is how `antiphon doctor relay` takes a reason that counts: *expected* of the open
internet, *suspect*, or a *fault*, of which calls or the cluster's own processes suffer.
"""


def page() -> str:
    sections = [
        INTRODUCTION,
        f"{ALERTS}\n{alerts_table()}",
        f"{RECORDED}\n{recorded_table()}",
        MORE_QUERIES,
        f"## Every process\n\n{metrics_table(process_metrics())}",
        f"## Relay\n\n{metrics_table(relay_metrics())}",
        f"{RELAY_DROPS}\n{relay_drops_table()}",
        f"## Transceiver worker\n\n{metrics_table(transceiver_metrics())}",
        meanings_section("Why a transceiver drops a packet", DropReason),
        meanings_section("Why a client's audio packet is not used", ReorderingDrop),
        meanings_section("Why a relay worker is told something", Occasion),
        meanings_section("How the agent's voice is coded", OpusMode),
        meanings_section("Why a request was refused for its key", KeyRefusal),
        meanings_section("Why a call ended", CloseReason),
        meanings_section("What became of a client that came again", ResumeOutcome),
        meanings_section("What became of a request to another cluster", ClusterOutcome),
        meanings_section("How an inference replica is", ReplicaState),
        meanings_section("Why a call left its replica", HandOffReason),
        meanings_section("How that ended", HandOffOutcome),
        meanings_section("What became of a webhook", WebhookOutcome),
        meanings_section("What became of a request to an MCP server", McpResult),
        meanings_section("What became of a trace's span", SpanResult),
        meanings_section("What became of a call by SIP that came in", RingEnd),
        meanings_section("What became of a request for a phone port", LeaseOutcome),
        meanings_section("Why a SIP request was not let in", Unproven),
        meanings_section("Why a SIP message went no further", SipDrop),
        meanings_section("Why a SIP message had no effect", Unheard),
        f"## Inference\n\n{metrics_table(inference_metrics())}",
        meanings_section("Errors of a session", ErrorCode),
        meanings_section("Why audio went nowhere", AudioDrop),
        meanings_section("Why the native engine's model missed a frame", Shed),
    ]
    return "\n".join(sections)


def relay_metrics() -> Iterator[Metric]:
    yield from RelayCollector(CounterTable(2), Workers(), Sockets()).collect()
    yield from RelayKeyCollector(lambda: KEYS).collect()


def process_metrics() -> Iterator[Metric]:
    yield from BuildCollector("relay", "0.1.0", "3.11.2").collect()
    yield from ProcessCollector(registry=None).collect()


def transceiver_metrics() -> Iterator[Metric]:
    registry = CollectorRegistry()
    TurnLatency(registry).observe(TurnAccount(0, 0, 0, 0, 0, 0, 0, 0))
    registry.register(ResumptionCollector(ResumptionCounters(), SnapshotStore()))
    registry.register(ClusterKeyCollector(KEYS, 3600))
    ProbeSeconds(registry)
    yield from registry.collect()
    yield from WorkerCollector(
        tunnel=TunnelCounters(),
        trunk=TrunkCounters(),
        calls=CallCounters(),
        load=lambda: 0.0,
        trunk_connected=lambda: False,
        admission=Limits(),
    ).collect()
    directory = RelayDirectory(("127.0.0.1", 1), lambda: 1, lambda _seconds: None)
    yield from RelayWorkersCollector(directory, Announcer(0, 0.0)).collect()
    leases = LeasedPorts(new_id=int, answering=list, send=lambda _frame, _relay: None)
    yield from LeasedPortsCollector(leases).collect()
    replicas = ReplicaDirectory(lambda: 0.0)
    yield from ReplicaCollector(replicas, CallCounters().hand_offs, lambda: 0.0).collect()
    zones = CurrentZones(parse_zones(TWO_CLUSTERS, here=1))
    yield from RegionCollector(RegionCounters(), zones).collect()
    yield from WebhookCollector(WebhookCounters()).collect()
    yield from McpCollector(McpCounters()).collect()
    yield from SpanCollector("transceiver", SpanQueue()).collect()
    nobody = CurrentAccess(SipAccess())
    access = AccessControl(nobody, tell=lambda _news: None, random=bytes)
    yield from AccessCollector(access).collect()
    yield from SipCollector(
        SipCounters(), connections=int, transactions=int, sessions=int
    ).collect()


def inference_metrics() -> Iterator[Metric]:
    registry = CollectorRegistry()
    StageLatency(registry)
    yield from registry.collect()
    trunk = InferenceTrunkCounters()
    trunk.opened["cascade"] = 0
    yield from InferenceCollector(trunk, CascadeCounters(), Admission(1)).collect()
    yield from NativeCollector(NativeCounters()).collect()
    yield from SpanCollector("inference", SpanQueue()).collect()


def metrics_table(families: Iterable[Metric]) -> str:
    rows = [
        (f"`{_name(family)}`", family.type, _labels(family), family.documentation)
        for family in families
    ]
    return _table(("metric", "type", "labels", "meaning"), rows)


def alerts_table() -> str:
    rows = [
        (
            f"[`{alert.name}`](runbooks.md#{alert.name.lower()})",
            alert.severity,
            _code(alert.expression),
        )
        for alert in alerts()
    ]
    return _table(("alert", "severity", "fires while"), rows)


def recorded_table() -> str:
    rows = ((f"`{name}`", _code(expression)) for name, expression in recorded().items())
    return _table(("series", "is"), rows)


def _code(expression: str) -> str:
    """In a cell of a table, where a bar must be escaped."""
    return f"`{expression}`".replace("|", "\\|")


def relay_drops_table() -> str:
    rows = [
        (
            f"`{reason.value}`",
            direction.value,
            advice.severity.value,
            f"{meanings()[reason]} {advice.remedy}",
        )
        for direction, reason, advice in reasons()
    ]
    return _table(("reason", "direction", "severity", "meaning"), rows)


def meanings_section(title: str, enum: type[Enum]) -> str:
    """Those members that say more than their value does."""
    texts: Mapping[Enum, str] = member_docstrings(enum)
    rows = [(f"`{member.value}`", text) for member, text in texts.items()]
    return f"### {title}\n\n{_table(('value', 'meaning'), rows)}"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _name(family: Metric) -> str:
    return f"{family.name}_total" if family.type == "counter" else family.name


def _labels(family: Metric) -> str:
    values: dict[str, dict[str, None]] = {}
    for sample in family.samples:
        for label, value in sample.labels.items():
            if label != "le":
                values.setdefault(label, {})[value] = None
    return "; ".join(f"`{label}`: {_shortened(list(each))}" for label, each in values.items())


def _shortened(values: list[str]) -> str:
    if values == [str(number) for number in range(len(values))]:
        return "a number"
    return textwrap.shorten(", ".join(values), 60, placeholder=" ...")


if __name__ == "__main__":
    PAGE.write_text(page())
