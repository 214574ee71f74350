"""The server that is played refuses what a real one does; else the chart's tests prove nothing."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.deploy.k8s import schemas
from tests.deploy.k8s.cluster import Cluster, Reply
from tests.deploy.k8s.conftest import versions
from tests.deploy.k8s.server_side_apply import merged

Item = dict[str, Any]
Change = Callable[[Item], Any]

APPLY = "application/apply-patch+yaml"
LABELS = {"app": "web"}
CONTAINER: Item = {
    "name": "web",
    "image": "web:1",
    "ports": [{"name": "http", "containerPort": 80}],
    "env": [{"name": "A", "value": "1"}],
    "readinessProbe": {"httpGet": {"path": "/", "port": "http"}},
    "resources": {"requests": {"cpu": "100m"}, "limits": {"cpu": "1"}},
    "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
}
OBJECTS: dict[str, Item] = {
    "deployments": {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "labels": LABELS},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": LABELS},
            "strategy": {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
            "template": {
                "metadata": {"labels": LABELS},
                "spec": {
                    "containers": [CONTAINER],
                    "volumes": [{"name": "tmp", "emptyDir": {}}],
                },
            },
        },
    },
    "services": {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web"},
        "spec": {
            "type": "LoadBalancer",
            "externalTrafficPolicy": "Local",
            "selector": LABELS,
            "ports": [{"name": "a", "port": 80}, {"name": "b", "port": 80, "protocol": "UDP"}],
        },
    },
    "networkpolicies": {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "web"},
        "spec": {
            "podSelector": {},
            "policyTypes": ["Ingress"],
            "ingress": [
                {
                    "from": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}}],
                    "ports": [{"port": 80, "endPort": 90}],
                }
            ],
        },
    },
    "poddisruptionbudgets": {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "web"},
        "spec": {"maxUnavailable": 1, "selector": {"matchLabels": LABELS}},
    },
    "horizontalpodautoscalers": {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "web"},
        "spec": {
            "minReplicas": 1,
            "maxReplicas": 2,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
            "metrics": [
                {
                    "type": "Resource",
                    "resource": {
                        "name": "cpu",
                        "target": {"type": "Utilization", "averageUtilization": 60},
                    },
                }
            ],
        },
    },
    "secrets": {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "web"},
        "type": "Opaque",
        "data": {"key": "dmFsdWU="},
    },
    "cronjobs": {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": "web"},
        "spec": {
            "schedule": "0 3 1 * *",
            "jobTemplate": {
                "spec": {
                    "template": {
                        "spec": {
                            "restartPolicy": "Never",
                            "containers": [{"name": "job", "image": "job:1"}],
                        }
                    }
                }
            },
        },
    },
    "podmonitors": {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PodMonitor",
        "metadata": {"name": "web"},
        "spec": {
            "selector": {"matchLabels": LABELS},
            "podMetricsEndpoints": [{"port": "http", "interval": "15s"}],
        },
    },
    "scaledobjects": {
        "apiVersion": "keda.sh/v1alpha1",
        "kind": "ScaledObject",
        "metadata": {"name": "web"},
        "spec": {
            "scaleTargetRef": {"name": "web"},
            "triggers": [{"type": "cpu", "metricType": "Utilization", "metadata": {"value": "6"}}],
        },
    },
    "udproutes": {
        "apiVersion": "gateway.networking.k8s.io/v1alpha2",
        "kind": "UDPRoute",
        "metadata": {"name": "web"},
        "spec": {
            "parentRefs": [{"name": "edge"}],
            "rules": [{"backendRefs": [{"name": "web", "port": 80}]}],
        },
    },
}


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
    oldest, _, newest = versions()
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
