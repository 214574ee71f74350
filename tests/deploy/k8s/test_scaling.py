"""Autoscalers ask for what the tiers tell, and mean by it what the values say."""

import math
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.exposed_metrics import exposed_metrics
from tests.deploy.k8s.helm import CHART, NAMESPACE
from tests.deploy.k8s.release import Release
from tests.deploy.k8s.rendered import Releases
from tests.deploy.prometheus_server import PROMTOOL, needs_prometheus

Item = dict[str, Any]

ADAPTER = yaml.safe_load((CHART / "prometheus-adapter.yaml").read_text())["rules"]["custom"]


def metric(autoscaler: Item, kind: str) -> Item:
    (found,) = [entry for entry in autoscaler["spec"]["metrics"] if entry["type"] == kind]
    inner: Item = found[kind.lower()]
    return inner


def trigger(scaled: Item, kind: str) -> Item:
    (found,) = [entry for entry in scaled["spec"]["triggers"] if entry["type"] == kind]
    return dict(found)


def test_sessions_per_worker_are_asked_by_pod(releases: Releases) -> None:
    """A transceiver of two workers may have twice the calls; a replica is one worker."""
    release = releases["chart-scaling"]
    for ending, name, target in (
        ("-transceiver", "antiphon_transceiver_calls", "120"),
        ("-inference", "antiphon_inference_sessions", "20"),
    ):
        autoscaler = release.one("HorizontalPodAutoscaler", ending)
        assert metric(autoscaler, "Pods") == {
            "metric": {"name": name},
            "target": {"type": "AverageValue", "averageValue": target},
        }
        assert (autoscaler["spec"]["minReplicas"], autoscaler["spec"]["maxReplicas"]) == (3, 40)


def test_the_cpu_is_asked_beside_and_alone_for_relays(releases: Releases) -> None:
    release = releases["chart-scaling"]
    for autoscaler in release.of("HorizontalPodAutoscaler"):
        assert metric(autoscaler, "Resource")["name"] == "cpu"
    assert len(release.one("HorizontalPodAutoscaler", "-relay")["spec"]["metrics"]) == 1


def test_without_sessions_the_cpu_decides(releases: Releases) -> None:
    autoscaler = releases["by-cpu"].one("HorizontalPodAutoscaler", "-transceiver")
    assert [entry["type"] for entry in autoscaler["spec"]["metrics"]] == ["Resource"]
    scaled = releases["by-cpu"].one("ScaledObject", "-inference")
    assert [entry["type"] for entry in scaled["spec"]["triggers"]] == ["cpu"]


@pytest.mark.parametrize("name", ["chart-scaling", "everything"])
def test_pods_go_one_by_one_and_late(releases: Releases, name: str) -> None:
    found = [
        item["spec"].get("behavior")
        or item["spec"]["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]
        for item in releases[name].of("HorizontalPodAutoscaler", "ScaledObject")
    ]
    assert len(found) == 3
    for behavior in found:
        assert behavior["scaleDown"]["stabilizationWindowSeconds"] >= 300
        assert behavior["scaleDown"]["policies"] == [
            {"type": "Pods", "value": 1, "periodSeconds": 60}
        ]


def test_the_adapter_serves_what_autoscalers_ask(releases: Releases) -> None:
    asked = {
        metric(item, "Pods")["metric"]["name"]
        for item in releases["chart-scaling"].of("HorizontalPodAutoscaler")
        if len(item["spec"]["metrics"]) > 1
    }
    assert asked == {rule["name"]["as"] for rule in ADAPTER}
    for rule in ADAPTER:
        assert rule["seriesQuery"].partition("{")[0] in exposed_metrics()
        assert rule["resources"]["overrides"] == {
            "namespace": {"resource": "namespace"},
            "pod": {"resource": "pod"},
        }


def test_silence_of_prometheus_is_no_reason_to_have_fewer_pods(releases: Releases) -> None:
    sessions = trigger(releases["everything"].one("ScaledObject", "-inference"), "prometheus")
    assert sessions["metricType"] == "AverageValue"
    assert sessions["metadata"]["ignoreNullValues"] == "false"
    assert sessions["authenticationRef"] == {"name": "prometheus-login"}


def calls_of(release: Release) -> str:
    """The query, for pods as a Deployment names them."""
    scaled = release.one("ScaledObject", "-transceiver")
    query: str = trigger(scaled, "prometheus")["metadata"]["query"]
    return query


@needs_prometheus
def test_queries_find_the_sessions(releases: Releases, tmp_path: Path) -> None:
    """Of this release's pods, of all workers and kinds, and not of those that drain."""
    full = "talk-antiphon-transceiver-5d9c"
    series = {
        f'antiphon_transceiver_calls{{%s,pod="{full}-a",instance="1",transport="webrtc"}}': 10,
        f'antiphon_transceiver_calls{{%s,pod="{full}-a",instance="2",transport="webrtc"}}': 7,
        f'antiphon_transceiver_calls{{%s,pod="{full}-b",instance="3",transport="sip"}}': 5,
        f'antiphon_transceiver_calls{{%s,pod="{full}-c",instance="4",transport="sip"}}': 100,
        f'antiphon_transceiver_draining{{%s,pod="{full}-a",instance="1"}}': 0,
        f'antiphon_transceiver_draining{{%s,pod="{full}-c",instance="4"}}': 1,
        'antiphon_transceiver_calls{%s,pod="other-transceiver-a",instance="5"}': 1000,
    }
    by_pod = ADAPTER[0]["metricsQuery"]
    for written, meant in (
        ("<<.Series>>", "antiphon_transceiver_calls"),
        ("<<.LabelMatchers>>", f'namespace="{NAMESPACE}",pod=~"{full}-a|{full}-b"'),
        ("<<.GroupBy>>", "pod"),
    ):
        by_pod = by_pod.replace(written, meant)
    checks = [
        (calls_of(releases["by-keda"]), [("{}", 22)]),
        (by_pod, [(f'{{pod="{full}-a"}}', 17), (f'{{pod="{full}-b"}}', 5)]),
    ]
    assert run_promtool(tmp_path, series, checks) == ""


def run_promtool(
    folder: Path, series: dict[str, int], checks: list[tuple[str, list[tuple[str, int]]]]
) -> str:
    """What promtool has to say against it, for series in this release's namespace."""
    own = f'namespace="{NAMESPACE}"'
    test = {
        "interval": "1m",
        "input_series": [
            {"series": name.replace("%s", own), "values": f"{value}x5"}
            for name, value in series.items()
        ],
        "promql_expr_test": [
            {
                "expr": query,
                "eval_time": "2m",
                "exp_samples": [{"labels": labels, "value": value} for labels, value in expected],
            }
            for query, expected in checks
        ],
    }
    file = folder / "test.yaml"
    file.write_text(yaml.safe_dump({"rule_files": [], "tests": [test]}))
    done = subprocess.run(
        [str(PROMTOOL), "test", "rules", file], capture_output=True, text=True, timeout=60
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


@pytest.mark.parametrize(("calls", "pods"), [(0, 2), (119, 2), (121, 3), (100_000, 20)])
def test_the_targets_by_hand(releases: Releases, calls: int, pods: int) -> None:
    """As Kubernetes counts for an average of the whole: sum / target, rounded up, in bounds."""
    scaled = releases["by-keda"].one("ScaledObject", "-transceiver")
    target = int(trigger(scaled, "prometheus")["metadata"]["threshold"])
    low, high = scaled["spec"]["minReplicaCount"], scaled["spec"]["maxReplicaCount"]
    assert min(max(math.ceil(calls / target), low), high) == pods
