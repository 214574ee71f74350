"""What is said after an install is true of it, and says what to do next."""

import re
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from tests.deploy.k8s import schemas
from tests.deploy.k8s.examples import all_examples
from tests.deploy.k8s.helm import Helm, helm_at


@pytest.fixture
async def helm() -> AsyncIterator[Helm]:
    async with helm_at(schemas.supported_versions()[-1], crds=schemas.crd_groups()) as there:
        yield there


def load_balancer(helm: Helm, **ingress: str) -> None:
    (service,) = [
        item
        for item in helm.cluster.items.values()
        if item["kind"] == "Service" and item["metadata"]["name"] == "talk-antiphon-relay"
    ]
    service["status"] = {"loadBalancer": {"ingress": [ingress]}}


async def test_they_lead_to_a_talk(helm: Helm) -> None:
    await helm.install({})
    assert "get service talk-antiphon-relay" in helm.notes
    assert "secret talk-antiphon-api-keys" in helm.notes
    assert "service/talk-antiphon-transceiver 8080:80" in helm.notes
    assert "http://localhost:8080" in helm.notes


@pytest.mark.parametrize("example", ["defaults", "everything", "host-network"])
async def test_they_name_what_is_there(helm: Helm, example: str) -> None:
    objects = await helm.install(all_examples()[example])
    named = re.findall(
        r"(?:get|status|port-forward) (service|deployment|daemonset|secret)[/ ]([a-z0-9-]+)",
        helm.notes,
    )
    assert named
    given = (all_examples()[example].get("keys") or {}).get("api") or {}
    there = {(item["kind"].lower(), item["metadata"]["name"]) for item in objects}
    assert {each for each in named if each[1] != given.get("existingSecret")} <= there


async def test_they_tell_the_address_that_the_relay_got(helm: Helm) -> None:
    await helm.install({})
    load_balancer(helm, ip="203.0.113.7")
    await helm.upgrade({})
    assert "--set relay.advertise=203.0.113.7" in helm.notes


async def test_a_name_is_no_address(helm: Helm) -> None:
    await helm.install({})
    load_balancer(helm, hostname="lb.example")
    await helm.upgrade({})
    assert "--set relay.advertise" not in helm.notes


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"relay": {"advertise": "203.0.113.7"}}, "media to 203.0.113.7:3478"),
        ({"relay": {"advertise": "2001:db8::7"}}, "media to [2001:db8::7]:3478"),
        ({"relay": {"advertise": "203.0.113.7:30478"}}, "media to 203.0.113.7:30478"),
        ({"transceiver": {"tls": {"existingSecret": "tls"}}}, "https://localhost:8080"),
        ({"keys": {"api": {"lines": ["sk-one"]}}}, "one of keys.api.lines"),
        ({"keys": {"api": {"existingSecret": "ours"}}}, "get secret ours"),
    ],
)
async def test_they_say_what_the_values_mean(
    helm: Helm, values: Mapping[str, Any], told: str
) -> None:
    await helm.install(values)
    assert told in helm.notes
    assert "sk-one" not in helm.notes
