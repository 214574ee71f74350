"""What cannot work is refused before anything is made, by a message that names the value."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.deploy.k8s import schemas
from tests.deploy.k8s.helm import Helm, HelmError, helm_at

Values = dict[str, Any]


def nested(path: str, value: Any) -> Values:
    for key in reversed(path.split(".")):
        value = {key: value}
    return dict(value)


OF_THE_SCHEMA: list[tuple[str, Any]] = [
    ("clusterId", 256),
    ("clusterId", -1),
    ("clusterId", "one"),
    ("image.tag", 1.2),
    ("image.pullPolicy", "Sometimes"),
    ("log.level", "loud"),
    ("log.format", "xml"),
    ("network.ipFamilies", []),
    ("network.ipFamilies", ["IPv5"]),
    ("tracing.otlpEndpoint", "collector:4318"),
    ("keys.cluster.existingSecret", "Not A Name"),
    ("relay.kind", "StatefulSet"),
    ("relay.replicas", 0),
    ("relay.workers", 0),
    ("relay.workers", "four"),
    ("relay.owners", ["10.0.0.0"]),
    ("relay.clusters", {"eu": "dns:relays.example:40000"}),
    ("relay.clusters", {"2": "relays.example"}),
    ("relay.drainSeconds", -1),
    ("relay.phonePorts.range", "40000"),
    ("relay.service.port", 70000),
    ("relay.service.type", "Ingress"),
    ("relay.service.externalTrafficPolicy", "local"),
    ("relay.service.loadBalancerSourceRanges", ["everybody"]),
    ("relay.settings", {"max-flow": 5}),
    ("relay.settings", {"public": "0.0.0.0:3478"}),
    ("relay.image.digest", "sha256:abc"),
    ("relay.autoscaling.kind", "vpa"),
    ("relay.autoscaling.cpuPercent", 0),
    ("relay.podDisruptionBudget.maxUnavailable", "many"),
    ("transceiver.replica", 2),
    ("transceiver.workers", 1.5),
    ("transceiver.autoscaling.sessionsPerWorker", -1),
    ("transceiver.service.port", 0),
    ("transceiver.webhook.url", "app.example.com/hook"),
    ("sip.tlsPort", "tls"),
    ("sip.service.affinitySeconds", 0),
    ("inference.engine", "magic"),
    ("inference.maxSessions", 0),
    ("inference.gpu.count", 0),
    ("inference.llm.urls", ["llm:8000"]),
    ("inference.asr.protocol", "grpc"),
    ("vllm.gpuCount", 0),
    ("loadtest.scenario", "Steady State"),
    ("loadtest.workers", 0),
    ("loadtest.run", "again"),
    ("loadtest.target", "voice.example.com"),
    ("loadtest.sip", "sip.example.com"),
    ("networkPolicy.metricsFrom", "monitoring"),
    ("networkPolicy.apiServerPorts", [0]),
    ("monitoring.kind", "annotations"),
    ("monitoring.interval", "fast"),
    ("gateway.http.parentRefs", "edge"),
    ("keda.prometheusUrl", "prometheus:9090"),
    ("priorityClasses.media", 2_000_000_000),
    *(
        # What would end its line in a manifest, and begin another.
        (path, f"a{separator}hostNetwork: true")
        for separator in ("\n", ": ", '"}\n')
        for path in (
            "network.clusterDomain",
            "relay.service.loadBalancerClass",
            "relay.service.loadBalancerIP",
            "transceiver.priorityClassName",
            "inference.gpu.runtimeClassName",
            "keda.triggerAuthentication",
            "gateway.http.requestTimeout",
            "monitoring.dashboards.label",
        )
    ),
    ("image.pullSecrets", ["a\nhostNetwork: true"]),
    ("keys.api.lines", ["sk-a\nother: sk-b"]),
    ("realy", {}),
]
BETWEEN_VALUES: list[tuple[str, Values]] = [
    ("relay.advertise", nested("relay.service.type", "NodePort")),
    ("relay.advertise", nested("relay.service.enabled", False)),
    ("relay.phonePorts.range", nested("relay.phonePorts.range", "42000-42009")),
    ("relay.remoteRelays", nested("relay.clusters", {"2": "dns:relays.example:40000"})),
    ("sip.advertise", nested("sip.enabled", True)),
    (
        "transceiver.tls.existingSecret",
        {"sip": {"enabled": True, "advertise": "a", "tlsPort": 5061}},
    ),
    ("transceiver.webhook", nested("transceiver.webhook.url", "https://app.example.com/hook")),
    ("vllm.model", nested("vllm.enabled", True)),
    ("inference.native.model", nested("inference.engine", "native")),
    ("inference.llm.model", nested("inference.llm.urls", ["http://llm:8000/v1"])),
    (
        "networkPolicy.inferenceEgress",
        nested("inference.asr", {"urls": ["http://asr:8000/v1"], "model": "whisper"}),
    ),
    ("networkPolicy.transceiverEgress", nested("tracing.otlpEndpoint", "http://collector:4318")),
    ("networkPolicy.transceiverEgress", nested("transceiver.mcpServers", ["mcp.example.com"])),
    ("networkPolicy.nodes", {"relay": {"kind": "DaemonSet", "advertise": "203.0.113.7"}}),
    ("networkPolicy.metricsFrom", nested("monitoring.kind", "podMonitor")),
    (
        "transceiver.autoscaling.maxReplicas",
        nested("transceiver.autoscaling", {"kind": "hpa", "minReplicas": 5, "maxReplicas": 4}),
    ),
    (
        "transceiver.resources.requests.cpu",
        {"transceiver": {"autoscaling": {"kind": "hpa"}, "resources": {"requests": {"cpu": None}}}},
    ),
    ("keda.prometheusUrl", nested("inference.autoscaling.kind", "keda")),
    (
        "relay.autoscaling.kind",
        {
            "relay": {"kind": "DaemonSet", "advertise": "1.2.3.4", "autoscaling": {"kind": "hpa"}},
            "networkPolicy": {"nodes": ["10.0.0.0/8"]},
        },
    ),
    (
        "inference.autoscaling.sessionsPerWorker",
        {"inference": {"maxSessions": 20, "autoscaling": {"kind": "hpa"}}},
    ),
    (
        "loadtest.apiKeySecret",
        {
            "loadtest": {"enabled": True, "target": "https://voice.example.com"},
            "networkPolicy": {"loadtestEgress": [{}]},
        },
    ),
    (
        "loadtest.apiKeySecret",
        {"loadtest": {"enabled": True}, "keys": {"api": {"lines": ["sk-a"]}}},
    ),
    (
        "networkPolicy.loadtestEgress",
        nested("loadtest", {"enabled": True, "reflector": "http://reflector:8090"}),
    ),
    ("gateway.http.parentRefs", nested("gateway.http.enabled", True)),
    (
        "relay.advertise",
        nested("gateway.udp", {"enabled": True, "parentRefs": [{"name": "edge"}]}),
    ),
    (
        "transceiver.tls.existingSecret",
        nested("gateway.tcp", {"enabled": True, "parentRefs": [{"name": "edge"}]}),
    ),
]


@pytest_asyncio.fixture
async def helm() -> AsyncIterator[Helm]:
    newest = schemas.supported_versions()[-1]
    async with helm_at(newest, crds=schemas.crd_groups()) as at_nothing:
        yield at_nothing


async def refusal(helm: Helm, values: Values) -> str:
    with pytest.raises(HelmError) as error:
        await helm.install(values)
    assert helm.objects() == []
    return str(error.value)


@pytest.mark.parametrize(("path", "value"), OF_THE_SCHEMA, ids=lambda value: str(value)[:40])
async def test_the_schema_names_the_value(helm: Helm, path: str, value: Any) -> None:
    """By a pointer (RFC 6901), or for an unknown one by its name and where it stands."""
    text = await refusal(helm, nested(path, value))
    parent, _, name = path.rpartition(".")
    pointer = "/" + path.replace(".", "/")
    assert pointer in text or (f"'{name}'" in text and parent.replace(".", "/") in text), text


@pytest.mark.parametrize(
    ("name", "values"), BETWEEN_VALUES, ids=[name for name, _ in BETWEEN_VALUES]
)
async def test_what_does_not_go_together_is_told(helm: Helm, name: str, values: Values) -> None:
    text = await refusal(helm, values)
    assert f"- {name}: " in text


async def test_all_problems_are_told_at_once(helm: Helm) -> None:
    text = await refusal(
        helm,
        {
            "sip": {"enabled": True},
            "vllm": {"enabled": True},
            "relay": {"service": {"enabled": False}},
        },
    )
    assert all(f"- {name}: " in text for name in ("relay.advertise", "sip.advertise", "vllm.model"))
