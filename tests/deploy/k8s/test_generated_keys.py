"""Keys that the chart makes: good ones, once, and never again."""

import base64
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from antiphon_proto.cluster_keys import ClusterKeys, Layout
from tests.deploy.k8s import schemas
from tests.deploy.k8s.helm import Helm, helm_at
from transceiver.signaling.api_keys import ApiKeys

ROTATED = "3 ipv4 " + "ab" * 32 + "\n"


def at_newest() -> AbstractAsyncContextManager[Helm]:
    return helm_at(schemas.supported_versions()[-1])


def secret(helm: Helm, name: str) -> dict[str, Any]:
    (found,) = [
        item
        for item in helm.objects()
        if item["kind"] == "Secret" and item["metadata"]["name"] == name
    ]
    return found


def text(helm: Helm, name: str, key: str) -> str:
    return base64.b64decode(secret(helm, name)["data"][key]).decode()


def cluster_keys(helm: Helm) -> str:
    return text(helm, "talk-antiphon-cluster-keys", "cluster.keys")


async def test_they_are_what_the_tiers_take() -> None:
    async with at_newest() as helm:
        await helm.install({})
        keys = ClusterKeys.parse(cluster_keys(helm))
        assert [config.layout for config in keys.configs] == list(Layout)
        assert len({config.secret for config in keys.configs}) == 1
        api_key = text(helm, "talk-antiphon-api-keys", "api.keys").strip()
        assert api_key.startswith("sk-antiphon-")
        assert len(api_key) == len("sk-antiphon-") + 32
        ApiKeys([api_key])


async def test_each_release_has_its_own() -> None:
    async with at_newest() as one, at_newest() as other:
        await one.install({})
        await other.install({})
        assert cluster_keys(one) != cluster_keys(other)


async def test_rotated_keys_stay_whatever_becomes_of_the_release() -> None:
    async with at_newest() as helm:
        await helm.install({})
        kept = next(
            item
            for item in helm.cluster.items.values()
            if item["metadata"]["name"] == "talk-antiphon-cluster-keys"
        )
        kept["data"]["cluster.keys"] = base64.b64encode(ROTATED.encode()).decode()
        await helm.upgrade({"log": {"level": "debug"}})
        assert cluster_keys(helm) == ROTATED
        await helm.rollback(1)
        assert cluster_keys(helm) == ROTATED
        await helm.uninstall()
        await helm.install({})
        assert cluster_keys(helm) == ROTATED


async def test_neither_helm_nor_argo_cd_makes_them_anew() -> None:
    async with at_newest() as helm:
        await helm.install({})
        for name in ("talk-antiphon-cluster-keys", "talk-antiphon-api-keys"):
            annotations = secret(helm, name)["metadata"]["annotations"]
            assert annotations["helm.sh/hook-delete-policy"] == "hook-failed"
            assert annotations["argocd.argoproj.io/hook"] == "Skip"


async def test_listed_api_keys_follow_the_values() -> None:
    async with at_newest() as helm:
        await helm.install({"keys": {"api": {"lines": ["sk-one", "sk-two"]}}})
        assert text(helm, "talk-antiphon-api-keys-listed", "api.keys") == "sk-one\nsk-two\n"
        await helm.upgrade({"keys": {"api": {"lines": ["sk-two"]}}})
        assert text(helm, "talk-antiphon-api-keys-listed", "api.keys") == "sk-two\n"


@pytest.mark.parametrize("kind", ["cluster", "api"])
async def test_ones_own_are_left_alone(kind: str) -> None:
    async with at_newest() as helm:
        await helm.install({"keys": {kind: {"existingSecret": "ours"}}})
        made = {item["metadata"]["name"] for item in helm.objects() if item["kind"] == "Secret"}
        other = {"cluster": "api", "api": "cluster"}[kind]
        assert made == {f"talk-antiphon-{other}-keys"}
