"""Prometheus is led to every admin port, with the rules and dashboards as they are in the chart."""

import json
from itertools import product
from typing import Any

import pytest
import yaml

from tests.deploy.k8s.helm import CHART
from tests.deploy.k8s.release import TIERS, Release
from tests.deploy.k8s.rendered import Releases
from tests.deploy.k8s.test_containers import config

Item = dict[str, Any]


def admin_ports(release: Release, tier: str) -> set[int]:
    """Of all workers of a pod."""
    settings = config(release, tier)
    count = settings.workers if tier == "transceiver" else 1
    return {settings.admin.port + worker for worker in range(count)}


@pytest.mark.parametrize(
    ("name", "tier"), list(product(["everything", "chart-scaling", "host-network"], TIERS))
)
def test_a_pod_monitor_scrapes_every_admin_port(releases: Releases, name: str, tier: str) -> None:
    release = releases[name]
    listed = {
        port["name"]: port["containerPort"] for port in release.container(tier).get("ports") or []
    }
    found = set()
    for endpoint in release.one("PodMonitor", f"-{tier}")["spec"]["podMetricsEndpoints"]:
        assert endpoint["relabelings"][-1] == {
            "targetLabel": "job",
            "replacement": f"antiphon-{tier}",
        }
        if "port" in endpoint:
            found.add(listed[endpoint["port"]])
        else:
            found |= {
                int(rule["replacement"].rpartition(":")[2])
                for rule in endpoint["relabelings"]
                if rule["targetLabel"] == "__address__"
            }
    assert found == admin_ports(release, tier)


@pytest.mark.parametrize("tier", TIERS)
def test_a_service_monitor_scrapes_every_admin_port(releases: Releases, tier: str) -> None:
    release = releases["host-ports"]
    service = release.one("Service", f"-{tier}-metrics")
    monitor = release.one("ServiceMonitor", f"-{tier}")
    ports = {port["name"]: port["targetPort"] for port in service["spec"]["ports"]}
    found = {ports[endpoint["port"]] for endpoint in monitor["spec"]["endpoints"]}
    assert found == admin_ports(release, tier)
    wanted = monitor["spec"]["selector"]["matchLabels"].items()
    selected = [
        item for item in release.of("Service") if wanted <= item["metadata"]["labels"].items()
    ]
    assert selected == [service], "another Service of the tier would be scraped, too"


def test_rules_are_the_files_with_links_that_lead_somewhere(releases: Releases) -> None:
    groups = releases["everything"].one("PrometheusRule", "")["spec"]["groups"]
    files = sorted((CHART / "rules").glob("*.yaml"))
    written = [group for path in files for group in yaml.safe_load(path.read_text())["groups"]]
    base = "https://git.example.com/antiphon/blob/main/"
    links = 0
    for rule in (rule for group in groups for rule in group["rules"]):
        link = (rule.get("annotations") or {}).get("runbook_url")
        if link:
            assert link.startswith(base + "docs/runbooks.md#")
            rule["annotations"]["runbook_url"] = link.removeprefix(base)
            links += 1
    assert groups == written
    assert links > 5


def test_dashboards_are_the_files_with_links_that_lead_somewhere(releases: Releases) -> None:
    maps = [
        item
        for item in releases["everything"].of("ConfigMap")
        if "-dashboard-" in item["metadata"]["name"]
    ]
    made = {name: json.loads(text) for item in maps for name, text in item["data"].items()}
    page = '"docs/runbooks.md"'
    leading = page.replace('"', '"https://git.example.com/antiphon/blob/main/', 1)
    files = {path.name: path.read_text() for path in (CHART / "dashboards").glob("*.json")}
    assert any(page in text for text in files.values())
    assert made == {name: json.loads(text.replace(page, leading)) for name, text in files.items()}
    for item in maps:
        assert item["metadata"]["labels"]["grafana_dashboard"] == "1"
        assert item["metadata"]["annotations"]["grafana_folder"] == "Voice"


def test_monitors_carry_the_labels_that_find_them(releases: Releases) -> None:
    for item in releases["everything"].of("PodMonitor", "PrometheusRule"):
        assert item["metadata"]["labels"]["release"] == "prometheus"


def test_nothing_of_it_by_default(releases: Releases) -> None:
    kinds = (
        "PodMonitor",
        "ServiceMonitor",
        "PrometheusRule",
        "ScaledObject",
        "ConfigMap",
        "HorizontalPodAutoscaler",
        "HTTPRoute",
        "TCPRoute",
        "UDPRoute",
        "PriorityClass",
    )
    assert releases["defaults"].of(*kinds) == []
