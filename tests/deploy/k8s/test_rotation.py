"""The job that rotates the cluster's keys: what it is told, may do, and reaches."""

import asyncio
from typing import Any

import pytest

from antiphon.keys_rotate import RotateSettings
from chassis.settings import load
from tests.deploy.k8s.helm import render
from tests.deploy.k8s.network_policies import Party, admitted
from tests.deploy.k8s.release import Release, pod_template

Item = dict[str, Any]

ROTATING = {"keys": {"rotation": {"enabled": True}}, "transceiver": {"workers": 3}}


@pytest.fixture(scope="module")
def release() -> Release:
    return Release(asyncio.run(render(ROTATING)))


def pod(release: Release) -> Item:
    found = pod_template(release.one("CronJob", "-rotation"))
    assert found is not None
    return found


def settings(release: Release) -> RotateSettings:
    (container,) = pod(release)["spec"]["containers"]
    antiphon, keys, rotate, *flags = [*container["command"], *container["args"]]
    assert (antiphon, keys, rotate) == ("antiphon", "keys", "rotate")
    return load(RotateSettings, flags, {}, prog="test")


def test_it_stays_to_the_end_and_asks_every_worker(release: Release) -> None:
    told = settings(release)
    assert told.wait
    assert told.settle_seconds >= 60
    (relays,) = told.relay_admins.entries
    (transceivers,) = told.transceiver_admins.entries
    assert relays.is_name
    assert transceivers.is_name
    services = release.names("Service")
    assert {relays.host.split(".")[0], transceivers.host.split(".")[0]} <= services
    assert list(relays.ports) == [8081]
    assert list(transceivers.ports) == [8083, 8084, 8085]


def test_it_changes_the_secret_that_the_tiers_read_and_may_nothing_else(release: Release) -> None:
    secret = settings(release).secret
    assert secret is not None
    role = release.one("Role", "-rotation")
    assert role["rules"] == [
        {
            "apiGroups": [""],
            "resources": ["secrets"],
            "resourceNames": [secret.name],
            "verbs": ["get", "patch"],
        }
    ]
    for tier in ("relay", "transceiver"):
        volumes = release.tier(tier)["spec"]["volumes"]
        assert secret.name in str(volumes)
    account = pod(release)["spec"]["serviceAccountName"]
    (subject,) = release.one("RoleBinding", "-rotation")["subjects"]
    assert subject["name"] == account
    assert release.one("ServiceAccount", "-rotation")["metadata"]["name"] == account


@pytest.mark.parametrize("tier", ["relay", "transceiver"])
def test_it_reaches_the_metrics_and_no_other_port(release: Release, tier: str) -> None:
    ours = Party("rotation", "voice", pod(release)["metadata"]["labels"])
    target = Party(tier, "voice", release.tier(tier)["metadata"]["labels"])
    ports = {"relay": [8081], "transceiver": [8083, 8084, 8085]}[tier]
    for port in ports:
        assert admitted(release, ours, target, "TCP", port)
    for protocol, port in (("UDP", 40000), ("TCP", 7000), ("UDP", 7000), ("TCP", 8086)):
        assert not admitted(release, ours, target, protocol, port)


async def test_without_it_nobody_may_change_the_secret() -> None:
    release = Release(await render({}))
    assert release.of("CronJob") == []
    assert not any("secrets" in str(role["rules"]) for role in release.of("Role"))


async def test_the_longest_names_fit() -> None:
    values = {**ROTATING, "fullnameOverride": "a" * 60}
    release = Release(await render(values))
    # https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/
    assert all(len(name) <= 52 for name in release.names("CronJob"))
