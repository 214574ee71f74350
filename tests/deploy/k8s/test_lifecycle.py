"""A release from its first day to its last, by Helm 4 at clusters of several versions."""

import base64
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.k8s import schemas
from tests.deploy.k8s.helm import CHART, Helm, HelmError, helm_at

Item = dict[str, Any]

EVERYTHING = yaml.safe_load((Path(__file__).parent / "examples/everything.yaml").read_text())


def one(objects: list[Item], kind: str, name: str) -> Item:
    found = [item for item in objects if (item["kind"], item["metadata"]["name"]) == (kind, name)]
    assert len(found) == 1, f"{kind} {name}: {found}"
    return found[0]


def keys_in(helm: Helm) -> list[str]:
    """What the generated Secrets hold."""
    return [
        base64.b64decode(text).decode()
        for item in helm.objects()
        if item["kind"] == "Secret"
        for text in item["data"].values()
    ]


async def test_lint() -> None:
    async with helm_at(schemas.supported_versions()[-1]) as helm:
        assert await helm.lint() == []


async def test_install_upgrade_rollback_uninstall(version: str) -> None:
    async with helm_at(version) as helm:
        await helm.install({})
        keys = keys_in(helm)
        assert len(keys) == 2

        upgraded = await helm.upgrade({"transceiver": {"replicas": 5}})
        assert one(upgraded, "Deployment", "talk-antiphon-transceiver")["spec"]["replicas"] == 5
        assert keys_in(helm) == keys, "an upgrade must not make new keys"

        back = await helm.rollback(1)
        assert one(back, "Deployment", "talk-antiphon-transceiver")["spec"]["replicas"] == 2
        assert keys_in(helm) == keys, "a rollback must not bring back keys"

        await helm.uninstall()
        assert keys_in(helm) == keys, "keys outlive the release, like a volume"
        assert {item["kind"] for item in helm.cluster.left()} == {"Namespace", "Secret"}


async def test_a_release_of_everything(version: str) -> None:
    async with helm_at(version, crds=schemas.crd_groups()) as helm:
        await helm.install({})
        bare = len(helm.objects())
        objects = await helm.upgrade(EVERYTHING)
        assert len(objects) > bare + 15
        again = await helm.upgrade({})
        assert len(again) == bare, "what was optional went with its values"
        await helm.uninstall()


async def test_nothing_is_left_where_the_keys_were_ones_own() -> None:
    own = {"keys": {"cluster": {"existingSecret": "a"}, "api": {"existingSecret": "b"}}}
    async with helm_at(schemas.supported_versions()[-1]) as helm:
        objects = await helm.install(own)
        assert not [item for item in objects if item["kind"] == "Secret"]
        await helm.uninstall()
        assert [item["kind"] for item in helm.cluster.left()] == ["Namespace"]


async def test_an_autoscaler_takes_over_what_runs_and_keeps_it() -> None:
    """A number that a release stops saying is 1 from then on, unless an autoscaler wrote it."""
    name = "talk-antiphon-transceiver"
    scaled = {"transceiver": {"autoscaling": {"kind": "hpa"}}}
    async with helm_at(schemas.supported_versions()[-1]) as helm:

        def replicas() -> int:
            number: int = one(helm.objects(), "Deployment", name)["spec"]["replicas"]
            return number

        await helm.install({"transceiver": {"replicas": 5}})
        await helm.upgrade(scaled)
        assert replicas() == 5
        await helm.upgrade(scaled | {"clusterId": 3})
        assert replicas() == 5, "and no autoscaler had anything to change"
        helm.cluster.scale(name, 11)
        await helm.upgrade(scaled | {"clusterId": 4})
        assert replicas() == 11
        with pytest.raises(HelmError, match=r"conflict .*\.spec\.replicas"):
            await helm.upgrade({"transceiver": {"replicas": 5}})
        helm.cluster.scale(name, 3)
        await helm.rollback(4)
        assert replicas() == 3


async def test_a_kubernetes_that_is_too_old_is_refused() -> None:
    oldest = yaml.safe_load((CHART / "Chart.yaml").read_text())["kubeVersion"]
    async with helm_at(schemas.supported_versions()[0]) as helm:
        helm.cluster.discovery.pretend_version("1.24")
        with pytest.raises(HelmError, match="kubeVersion: " + oldest.split("-")[0]):
            await helm.install({})


@pytest.mark.parametrize(
    ("group", "values"),
    [
        ("monitoring.coreos.com", {"monitoring": {"rules": {"enabled": True}}}),
        ("keda.sh", {"relay": {"autoscaling": {"kind": "keda"}}}),
        (
            "gateway.networking.k8s.io",
            {"gateway": {"http": {"enabled": True, "parentRefs": [{"name": "edge"}]}}},
        ),
    ],
)
async def test_a_missing_crd_stops_the_install(group: str, values: Item) -> None:
    """Before anything is made, rather than half way."""
    async with helm_at(schemas.supported_versions()[-1]) as helm:
        with pytest.raises(HelmError, match=group):
            await helm.install(values)
        assert helm.objects() == []
