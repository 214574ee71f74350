"""What containers are given is what the tiers take: settings, ports, probes, files, and time."""

import re
from dataclasses import fields
from typing import Any

import pytest

from chassis.admin import health_routes
from chassis.settings import load, variable_name
from inference.config import InferenceConfig
from relay.config import RelayConfig
from tests.deploy.k8s.release import TIERS, Release
from transceiver.config import TransceiverConfig
from transceiver.regions.zones_file import parse_zones

Item = dict[str, Any]

CONFIGS: dict[str, type] = {
    "relay": RelayConfig,
    "transceiver": TransceiverConfig,
    "inference": InferenceConfig,
}
POD_FIELDS = {
    "status.podIP": "10.1.2.3",
    "status.hostIP": "192.0.2.7",
    "metadata.name": "pod",
    "metadata.namespace": "voice",
    "spec.nodeName": "node",
}
SECRETS = {
    "webhook.secret": "whsec_" + "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz",
    "redis.url": "redis://redis:6379/0",
    "otlp.headers": "authorization=secret",
}
FOUND_AT_START = {"ANTIPHON_ADVERTISE": "203.0.113.7:3478"}
"""What the command of a container puts into the environment itself."""


def environment(container: Item) -> dict[str, str]:
    """As a kubelet makes it: https://kubernetes.io/docs/tasks/inject-data-application/"""
    made: dict[str, str] = {}
    for variable in container.get("env") or []:
        source = variable.get("valueFrom") or {}
        if "fieldRef" in source:
            made[variable["name"]] = POD_FIELDS[source["fieldRef"]["fieldPath"]]
        elif "secretKeyRef" in source:
            made[variable["name"]] = SECRETS.get(source["secretKeyRef"]["key"], "secret")
        else:
            text = variable.get("value", "")
            made[variable["name"]] = re.sub(
                r"\$\(([A-Z_]+)\)", lambda found: made.get(found[1], found[0]), text
            )
    return made


def config(release: Release, tier: str) -> Any:
    container = release.container(tier)
    variables = environment(container)
    for name, value in FOUND_AT_START.items():
        if any(name in part for part in container.get("command") or []):
            variables[name] = value
    return load(CONFIGS[tier], container.get("args") or [], variables, prog=tier)


@pytest.mark.parametrize("tier", TIERS)
def test_every_variable_is_a_setting_of_the_tier(release: Release, tier: str) -> None:
    known = {variable_name(field.name) for field in fields(CONFIGS[tier])}
    given = {name for name in environment(release.container(tier)) if name.startswith("ANTIPHON_")}
    assert given <= known
    config(release, tier)


def phone_ports(release: Release) -> set[tuple[str, int]]:
    text = environment(release.container("relay")).get("ANTIPHON_PHONE_PORTS", "1-0")
    first, _, last = text.partition("-")
    return {("UDP", port) for port in range(int(first), int(last) + 1)}


def listens(release: Release) -> dict[str, set[tuple[str, int]]]:
    """Protocol and port of all that each tier binds."""
    relay, transceiver = config(release, "relay"), config(release, "transceiver")
    inference = config(release, "inference")
    workers = range(transceiver.workers)
    bound = {("TCP", transceiver.http.port)}
    for worker in workers:
        bound |= {("TCP", transceiver.admin.port + worker)}
        bound |= {(kind, transceiver.tunnel.port + worker) for kind in ("TCP", "UDP")}
    if transceiver.sip is not None:
        bound |= {(kind, transceiver.sip.port) for kind in ("TCP", "UDP")}
    if transceiver.sip_tls is not None:
        bound.add(("TCP", transceiver.sip_tls.port))
    edge = {("TCP", relay.admin.port)} | {
        ("UDP", address.port) for address in relay.public.addresses
    }
    edge |= {("UDP", relay.tunnel.port + worker) for worker in range(relay.workers)}
    edge |= phone_ports(release)
    return {
        "relay": edge,
        "transceiver": bound,
        "inference": {("TCP", inference.grpc.port), ("TCP", inference.admin.port)},
    }


@pytest.mark.parametrize("tier", TIERS)
def test_the_ports_listed_are_those_bound(release: Release, tier: str) -> None:
    if release.tier(tier)["spec"].get("hostNetwork"):
        assert "ports" not in release.container(tier), "each would be the node's"
        return
    listed = {
        (port.get("protocol", "TCP"), port["containerPort"])
        for port in release.container(tier)["ports"]
    }
    bound = listens(release)[tier]
    assert listed <= bound
    assert bound - listed <= phone_ports(release), "a Service or a hostPort names phones' ports"


@pytest.mark.parametrize("tier", TIERS)
def test_probes_ask_what_the_tier_answers(release: Release, tier: str) -> None:
    container = release.container(tier)
    named = {port.get("name"): port["containerPort"] for port in container.get("ports") or []}
    paths = {route.path for route in health_routes(lambda: None)}
    admin = config(release, tier).admin.port
    for name in ("startupProbe", "readinessProbe", "livenessProbe"):
        get = container[name].get("httpGet")
        if get is None:
            assert container[name]["exec"]["command"][:2] == ["test", "-e"]
            continue
        assert named.get(get["port"], get["port"]) == admin
        assert get["path"] in paths
    assert "healthz" in str(container["livenessProbe"]), "a drain must not look like a failure"


@pytest.mark.parametrize("tier", TIERS)
def test_there_is_time_to_drain(release: Release, tier: str) -> None:
    hook = release.container(tier).get("lifecycle", {}).get("preStop", {})
    seconds = int(hook["exec"]["command"][-1]) if hook else 0
    grace = release.tier(tier)["spec"]["terminationGracePeriodSeconds"]
    assert grace >= seconds + config(release, tier).drain_seconds + 5


@pytest.mark.parametrize("tier", TIERS)
def test_files_are_where_the_settings_look(release: Release, tier: str) -> None:
    """Each is an item of a volume that is mounted there."""
    pod, container = release.tier(tier)["spec"], release.container(tier)
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    files = set()
    for mount in container["volumeMounts"]:
        assert "subPath" not in mount, "such a file is never renewed"
        volume = volumes[mount["name"]]
        for source in [volume, *((volume.get("projected") or {}).get("sources") or [])]:
            entry = source.get("secret") or source.get("configMap") or {}
            files |= {f"{mount['mountPath']}/{item['path']}" for item in entry.get("items") or []}
    asked = {value for value in environment(container).values() if value.startswith("/etc/")}
    assert asked <= files


def test_pods_may_do_as_little_as_possible(release: Release) -> None:
    """The restricted profile of the Pod Security Standards, and no root to write to."""
    for tier in TIERS:
        pod = release.tier(tier)["spec"]
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] == 65_532
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        for container in pod["containers"] + (pod.get("initContainers") or []):
            allowed = container["securityContext"]
            assert allowed["readOnlyRootFilesystem"] is True
            assert allowed["allowPrivilegeEscalation"] is False
            assert allowed["capabilities"] == {"drop": ["ALL"]}
            assert not allowed.get("privileged")
            assert container["resources"]["limits"]["memory"]


def test_no_secret_is_written_into_a_pod(release: Release) -> None:
    for name, pod in release.pods():
        for container in pod["containers"]:
            for variable in container.get("env") or []:
                secret = re.search(r"(SECRET|TOKEN|API_KEY|REDIS)$", variable["name"])
                assert not (secret and "value" in variable), f"{name}: {variable['name']}"


def test_zones_of_clients_can_be_read(release: Release) -> None:
    for item in release.of("ConfigMap"):
        if "zones.toml" in item["data"]:
            parse_zones(item["data"]["zones.toml"], here=config(release, "relay").cluster_id)
