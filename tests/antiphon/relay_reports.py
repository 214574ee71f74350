"""Reports as a relay with one busy worker and one busy owner would give them."""

from typing import Any

from antiphon_proto.relay_report import (
    Drops,
    KernelDrops,
    OwnedFlows,
    RelayReport,
    RemoteCluster,
    Traffic,
    WorkerReport,
)


def worker(**changed: Any) -> WorkerReport:
    fields: dict[str, Any] = {
        "index": 0,
        "tunnel": "10.0.0.1:40001",
        "epoch": "0123456789abcdef",
        "fast_path": True,
        "fallback": None,
        "bound": 12,
        "provisional": 1,
        "ssrcs": 12,
        "table_bytes": 19_200_000,
        "moderation_seconds": 0.0004,
        "draining": False,
        "config_ids": [0],
        "owners": [OwnedFlows(owner="10.1.2.3:40001", bound=12)],
    }
    return WorkerReport(**fields | changed)


def relay(**changed: Any) -> RelayReport:
    fields: dict[str, Any] = {
        "not_ready": None,
        "draining": False,
        "public": ["0.0.0.0:3478"],
        "workers_wanted": 1,
        "workers_alive": 1,
        "worker_restarts": 0,
        "workers": [worker()],
        "checks_verified": {0: 40},
        "traffic": [traffic("to_owner", 1000), traffic("to_client", 2000)],
        "tunnel_datagrams_sent": 500,
        "punts": 40,
        "evictions": 0,
        "drops": [drops("integrity", 0, refuses_checks=True), drops("table_full", 0, "fault")],
        "kernel_drops": KernelDrops(public=0, tunnel=0),
        "receive_errors": 0,
    }
    return RelayReport(**fields | changed)


def cluster(answering: int, number: int = 2) -> RemoteCluster:
    return RemoteCluster(cluster=number, relays=3, answering=answering)


def traffic(direction: str, packets: int) -> Traffic:
    return Traffic(direction=direction, kind="rtp", packets=packets, size=125 * packets)


def drops(
    reason: str, count: int, severity: str = "suspect", *, refuses_checks: bool = False
) -> Drops:
    return Drops(
        reason=reason,
        direction="to_owner",
        count=count,
        meaning=f"What {reason} means.",
        advice=f"What to do about {reason}.",
        severity=severity,
        refuses_checks=refuses_checks,
    )
