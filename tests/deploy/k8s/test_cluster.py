"""The server that is played refuses what a real one does; else the chart's tests prove nothing."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.deploy.k8s import schemas
from tests.deploy.k8s.cluster import Cluster, Reply
from tests.deploy.k8s.helm import admitted_versions
from tests.deploy.k8s.sample_objects import OBJECTS
from tests.deploy.k8s.server_side_apply import merged

Item = dict[str, Any]
Change = Callable[[Item], Any]

APPLY = "application/apply-patch+yaml"


def put(path: str, value: Any) -> Change:
    """Set what a path such as `spec.ports.0.port` leads to."""

    def change(item: Item) -> None:
        *way, last = path.split(".")
        found: Any = item
        for part in way:
            found = found[int(part)] if isinstance(found, list) else found[part]
        found[int(last) if isinstance(found, list) else last] = value

    return change


CONTAINER_AT = "spec.template.spec.containers.0"
REFUSED: list[tuple[str, str, Change]] = [
    ("deployments", "replica", put("spec.replica", 2)),
    ("deployments", "spec.replicas", put("spec.replicas", "two")),
    ("deployments", "metadata.name", put("metadata.name", "Web")),
    ("deployments", "metadata.labels", put("metadata.labels", {"a b": "c"})),
    ("deployments", "metadata.labels", put("metadata.labels", {"a": "x" * 64})),
    ("deployments", "metadata.annotations", put("metadata.annotations", {"a": "b", "-": "c"})),
    ("deployments", "spec.selector", put("spec.template.metadata.labels", {"app": "other"})),
    (
        "deployments",
        "maxSurge",
        put("spec.strategy.rollingUpdate", {"maxSurge": 0, "maxUnavailable": 0}),
    ),
    ("deployments", "rollingUpdate", put("spec.strategy.type", "Recreate")),
    ("deployments", "image", put(f"{CONTAINER_AT}.image", "")),
    ("deployments", "ports", put(f"{CONTAINER_AT}.ports", [{"containerPort": 70_000}])),
    (
        "deployments",
        "ports",
        put(f"{CONTAINER_AT}.ports", [{"containerPort": 1}, {"containerPort": 1}]),
    ),
    ("deployments", "ports", put(f"{CONTAINER_AT}.ports.0.name", "much-too-long-a-name")),
    ("deployments", "protocol", put(f"{CONTAINER_AT}.ports.0.protocol", "udp")),
    ("deployments", "env", put(f"{CONTAINER_AT}.env", [{"name": "A"}, {"name": "A"}])),
    ("deployments", "env", put(f"{CONTAINER_AT}.env.0.value", 1)),
    (
        "deployments",
        "env",
        put(f"{CONTAINER_AT}.env.0.valueFrom", {"fieldRef": {"fieldPath": "status.podIP"}}),
    ),
    ("deployments", "volumeMounts", put(f"{CONTAINER_AT}.volumeMounts.0.name", "none")),
    ("deployments", "volumes", put("spec.template.spec.volumes.0.secret", {"secretName": "a"})),
    ("deployments", "http", put(f"{CONTAINER_AT}.readinessProbe.httpGet.port", "https")),
    ("deployments", "handler", put(f"{CONTAINER_AT}.readinessProbe.tcpSocket", {"port": 80})),
    ("deployments", "cpu", put(f"{CONTAINER_AT}.resources.requests.cpu", "2")),
    ("deployments", "cpu", put(f"{CONTAINER_AT}.resources.requests.cpu", "one")),
    (
        "deployments",
        "nvidia.com/gpu",
        put(f"{CONTAINER_AT}.resources.limits", {"nvidia.com/gpu": "500m"}),
    ),
    ("deployments", "hostPort", lambda item: put_host_network(item)),
    ("services", "metadata.name", put("metadata.name", "1web")),
    ("services", "spec.ports", put("spec.ports", [])),
    ("services", "spec.ports", put("spec.ports.1.name", "a")),
    ("services", "spec.ports", put("spec.ports.1.protocol", "TCP")),
    ("services", "spec.ports", put("spec.ports", [{"port": 1}, {"port": 2}])),
    ("services", "targetPort", put("spec.ports.0.targetPort", "a-name-that-is-too-long")),
    ("services", "externalTrafficPolicy", put("spec.type", "ClusterIP")),
    ("services", "externalTrafficPolicy", put("spec.externalTrafficPolicy", "local")),
    ("services", "clusterIP", put("spec.clusterIP", "None")),
    ("services", "sessionAffinityConfig", put("spec.sessionAffinityConfig", {"clientIP": {}})),
    ("services", "loadBalancerSourceRanges", put("spec.loadBalancerSourceRanges", ["all"])),
    ("networkpolicies", "cidr", put("spec.ingress.0.from.0.ipBlock.cidr", "10.0.0.0")),
    ("networkpolicies", "except", put("spec.ingress.0.from.0.ipBlock.except", ["192.168.0.0/16"])),
    ("networkpolicies", "ipBlock", put("spec.ingress.0.from.0.podSelector", {})),
    ("networkpolicies", "endPort", put("spec.ingress.0.ports.0.endPort", 79)),
    ("networkpolicies", "endPort", put("spec.ingress.0.ports.0.port", "http")),
    ("networkpolicies", "policyTypes", put("spec.policyTypes", ["ingress"])),
    ("poddisruptionbudgets", "minAvailable", put("spec.minAvailable", 1)),
    ("horizontalpodautoscalers", "maxReplicas", put("spec.maxReplicas", 0)),
    ("horizontalpodautoscalers", "metrics", put("spec.metrics.0.type", "Pods")),
    ("secrets", "data.key", put("data.key", "no base64!")),
    ("secrets", "data", put("data", {"a/b": "dmFsdWU="})),
    ("secrets", "tls.crt", put("type", "kubernetes.io/tls")),
    ("cronjobs", "schedule", put("spec.schedule", "monthly")),
    ("cronjobs", "metadata.name", put("metadata.name", "x" * 53)),
    (
        "cronjobs",
        "restartPolicy",
        put("spec.jobTemplate.spec.template.spec.restartPolicy", "Always"),
    ),
    ("podmonitors", "intervall", put("spec.podMetricsEndpoints.0.intervall", "15s")),
    ("podmonitors", "interval", put("spec.podMetricsEndpoints.0.interval", "15")),
    ("scaledobjects", "triggers", put("spec.triggers", "cpu")),
    ("scaledobjects", "maxReplicas", put("spec.maxReplicas", 3)),
    ("udproutes", "backendRefs", put("spec.rules.0.backendRefs.0.port", 70_000)),
    ("udproutes", "hostnames", put("spec.hostnames", ["voice.example.com"])),
]


def put_host_network(item: Item) -> None:
    put("spec.template.spec.hostNetwork", value=True)(item)
    put(f"{CONTAINER_AT}.ports.0.hostPort", 8080)(item)


def cluster(version: str = "") -> Cluster:
    return Cluster(version or schemas.supported_versions()[-1], schemas.crd_groups())


def apply(server: Cluster, plural: str, item: Item) -> Reply:
    api_version = item["apiVersion"]
    root = "apis" if "/" in api_version else "api"
    path = f"/{root}/{api_version}/namespaces/default/{plural}/{item['metadata']['name']}"
    return server.ask("PATCH", path, {}, APPLY, json.dumps(item).encode())


@pytest.mark.parametrize("plural", OBJECTS)
def test_good_objects_are_taken(plural: str, version: str) -> None:
    assert apply(cluster(version), plural, OBJECTS[plural]).status == 201


@pytest.mark.parametrize(
    ("plural", "told", "change"),
    REFUSED,
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bad_objects_are_refused(plural: str, told: str, change: Change) -> None:
    item = copy.deepcopy(OBJECTS[plural])
    change(item)
    server = cluster()
    reply = apply(server, plural, item)
    assert reply.status == 422
    assert reply.body is not None
    assert told in reply.body["message"]
    assert server.left() == []


@pytest.mark.parametrize(
    ("plural", "change"),
    [
        ("deployments", put("spec.selector.matchLabels", {"app": "web", "tier": "a"})),
        ("secrets", put("type", "example.com/other")),
    ],
)
def test_what_may_not_change_does_not(plural: str, change: Change) -> None:
    server, item = cluster(), copy.deepcopy(OBJECTS[plural])
    if plural == "deployments":
        put("spec.template.metadata.labels", {"app": "web", "tier": "a"})(item)
    assert apply(server, plural, item).status == 201
    change(item)
    reply = apply(server, plural, item)
    assert reply.status == 422
    assert "immutable" in str(reply.body)


def test_versions_serve_what_they_have() -> None:
    oldest, _, newest = admitted_versions()
    old = cluster(oldest).discovery
    assert old.serves("autoscaling/v2beta2", "horizontalpodautoscalers")
    assert not cluster(newest).discovery.serves("autoscaling/v2beta2", "horizontalpodautoscalers")
    bare = Cluster(newest).discovery
    assert not bare.serves("keda.sh/v1alpha1", "scaledobjects")
    item = OBJECTS["deployments"] | {"apiVersion": "apps/v1beta1"}
    assert apply(cluster(), "deployments", item).status == 404


def test_a_field_of_a_later_version_is_unknown_to_an_earlier() -> None:
    """Such as the hook that sleeps, of 1.29."""
    item = copy.deepcopy(OBJECTS["deployments"])
    put(f"{CONTAINER_AT}.lifecycle", {"preStop": {"sleep": {"seconds": 5}}})(item)
    assert apply(cluster("1.28"), "deployments", item).status == 422
    assert apply(cluster("1.30"), "deployments", item).status == 201


def test_no_object_without_its_namespace() -> None:
    server = cluster()
    path = "/api/v1/namespaces/none/secrets/web"
    reply = server.ask("PATCH", path, {}, APPLY, json.dumps(OBJECTS["secrets"]).encode())
    assert reply.status == 404


def test_an_apply_takes_back_what_it_gave_and_leaves_what_is_others() -> None:
    live = {"spec": {"replicas": 7, "a": {"x": 1, "theirs": 2}}, "status": {"ready": 1}}
    last = {"spec": {"a": {"x": 1}, "b": 3}}
    wanted = {"spec": {"a": {"y": 4}, "list": [1]}}
    assert merged(live | {"spec": live["spec"] | {"b": 3}}, last, wanted) == {
        "spec": {"replicas": 7, "a": {"theirs": 2, "y": 4}, "list": [1]},
        "status": {"ready": 1},
    }
