"""The jobs of a load test: what they are told, find, and reach."""

import asyncio
import base64
import tomllib
from typing import Any

import pytest

from chassis.settings import load
from loadtest.commands import coordinator, worker
from loadtest.coordinator.join_token import parse_token
from loadtest.scenario.reading import parse_scenario, shipped_scenarios
from tests.deploy.k8s import schemas
from tests.deploy.k8s.examples import all_examples
from tests.deploy.k8s.helm import helm_at, render
from tests.deploy.k8s.network_policies import Party, admitted
from tests.deploy.k8s.release import Release, component, pod_template

Item = dict[str, Any]
Values = dict[str, Any]

TESTED = {"loadtest": {"enabled": True, "workers": 3}}
SCENARIO = """
name = "own"
[load]
sessions = 5
"""


@pytest.fixture(scope="module")
def release() -> Release:
    return Release(asyncio.run(render(TESTED)))


def job(release: Release, name: str) -> Item:
    (found,) = [item for item in release.of("Job") if component(item) == name]
    return found


def pod(release: Release, name: str) -> Item:
    found = pod_template(job(release, name))
    assert found is not None
    return found


def container(release: Release, name: str) -> Item:
    (found,) = pod(release, name)["spec"]["containers"]
    return dict(found)


def coordinator_settings(release: Release) -> tuple[str, coordinator.Settings]:
    told = container(release, "loadtest")
    assert told["command"] == ["antiphon-loadtest", "coordinator"]
    scenario, *flags = told["args"]
    return scenario, load(coordinator.Settings, flags, {}, prog="test")


def worker_settings(release: Release) -> worker.Settings:
    told = container(release, "loadtest-worker")
    assert told["command"] == ["antiphon-loadtest", "worker"]
    return load(worker.Settings, told["args"], {"ANTIPHON_INDEX": "2"}, prog="test")


def test_workers_find_the_coordinator_and_know_which_they_are(release: Release) -> None:
    _, told = coordinator_settings(release)
    settings = worker_settings(release)
    service = release.one("Service", "-loadtest")
    assert settings.coordinator.host.split(".")[0] == service["metadata"]["name"]
    assert settings.coordinator.port == told.listen.port == service["spec"]["ports"][0]["port"]
    assert settings.index == 2
    (index,) = container(release, "loadtest-worker")["env"]
    assert "job-completion-index" in index["valueFrom"]["fieldRef"]["fieldPath"]
    spec = job(release, "loadtest-worker")["spec"]
    assert spec["completionMode"] == "Indexed"
    assert told.workers == spec["completions"] == spec["parallelism"] == 3


def test_a_shipped_scenario_calls_this_release(release: Release) -> None:
    scenario, settings = coordinator_settings(release)
    assert scenario in shipped_scenarios()
    service = release.one("Service", "-transceiver")
    assert settings.target is not None
    assert settings.target.startswith(f"http://{service['metadata']['name']}.")
    assert settings.target.endswith(f":{service['spec']['ports'][0]['port']}")
    assert settings.print_result


@pytest.mark.parametrize("name", ["loadtest", "loadtest-worker"])
def test_files_are_where_the_settings_look(release: Release, name: str) -> None:
    told, volumes = container(release, name), pod(release, name)["spec"]["volumes"]
    (secrets,) = [each for each in volumes if each["name"] == "secrets"]
    files = {
        f"/etc/antiphon/{item['path']}"
        for source in secrets["projected"]["sources"]
        for item in source["secret"]["items"]
    }
    asked = {
        flag.partition("=")[2] for flag in told["args"] if flag.partition("=")[2].startswith("/etc")
    }
    assert asked == files
    mounts = {mount["name"] for mount in told["volumeMounts"]}
    assert mounts == {volume["name"] for volume in volumes}


@pytest.mark.parametrize("name", ["loadtest", "loadtest-worker"])
def test_pods_may_do_as_little_as_possible(release: Release, name: str) -> None:
    spec, told = pod(release, name)["spec"], container(release, name)
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert told["securityContext"]["readOnlyRootFilesystem"] is True
    assert told["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert told["resources"]["limits"]["memory"]


def test_workers_know_no_key_of_the_api(release: Release) -> None:
    assert "api.keys" not in str(pod(release, "loadtest-worker"))


def test_workers_reach_what_they_call_and_nothing_else(release: Release) -> None:
    callers = Party("caller", "voice", pod(release, "loadtest-worker")["metadata"]["labels"])
    leader = Party("leader", "voice", pod(release, "loadtest")["metadata"]["labels"])
    tiers = {
        tier: Party(tier, "voice", release.tier(tier)["metadata"]["labels"])
        for tier in ("relay", "transceiver", "inference")
    }
    outside = Party("outside", address="203.0.113.7")
    assert admitted(release, callers, leader, "TCP", 7700)
    assert admitted(release, callers, tiers["transceiver"], "TCP", 8080)
    assert admitted(release, callers, tiers["relay"], "UDP", 3478)
    assert admitted(release, callers, outside, "UDP", 3478), "the address that callers are told"
    for target, port in (("transceiver", 7000), ("relay", 8081), ("inference", 50051)):
        assert not admitted(release, callers, tiers[target], "TCP", port)
    assert not admitted(release, callers, outside, "TCP", 443)
    for other in (*tiers.values(), outside):
        assert not admitted(release, other, leader, "TCP", 7700)


async def test_an_api_that_is_closed_to_others_is_open_to_workers() -> None:
    closed = {"networkPolicy": {"apiFrom": [{"podSelector": {"matchLabels": {"a": "b"}}}]}}
    release = Release(await render({**TESTED, **closed}))
    callers = Party("caller", "voice", pod(release, "loadtest-worker")["metadata"]["labels"])
    stranger = Party("stranger", "voice", {"app": "else"})
    transceiver = Party("t", "voice", release.tier("transceiver")["metadata"]["labels"])
    assert admitted(release, callers, transceiver, "TCP", 8080)
    assert not admitted(release, stranger, transceiver, "TCP", 8080)


async def test_with_everything_all_of_it_is_told() -> None:
    release = Release(await render(all_examples()["everything"]))
    _, told = coordinator_settings(release)
    assert (told.model, told.sip, told.sip_user) == ("echo", "sip.example.com:5060", "caller")
    assert (told.label, told.reflector) == ("before", "http://reflector:8090")
    assert told.tls_certificate == "/etc/antiphon/tls.crt"
    assert told.sip_password_file == "/etc/antiphon/sip.password"
    assert worker_settings(release).certificate_authority == "/etc/antiphon/ca.crt"
    assert "claimName: reports" in str(pod(release, "loadtest")).replace("'", "")


async def test_a_scenario_of_ones_own_comes_as_it_was_written() -> None:
    release = Release(await render({"loadtest": {"enabled": True, "scenarioText": SCENARIO}}))
    (text,) = release.one("ConfigMap", "-loadtest")["data"].values()
    assert parse_scenario(text).name == tomllib.loads(SCENARIO)["name"]
    path, _ = coordinator_settings(release)
    assert path.startswith("/etc/antiphon-scenario/")


async def test_another_run_is_another_job_and_the_same_one_stays() -> None:
    """A Job cannot be changed; one of the same name would not run again."""

    async def names(values: Values) -> set[str]:
        return Release(await render(values)).names("Job")

    first = await names(TESTED)
    assert len(first) == 2
    assert await names({**TESTED, "relay": {"replicas": 5}}) == first
    for change in ({"run": 2}, {"scenario": "churn"}, {"workers": 4}, {"scenarioText": SCENARIO}):
        assert not first & await names({"loadtest": {**TESTED["loadtest"], **change}})


async def test_its_token_stays_while_it_is_enabled_and_no_longer() -> None:
    async with helm_at(schemas.supported_versions()[-1]) as helm:

        def tokens(objects: list[Item]) -> list[str]:
            return [
                item["data"]["token"]
                for item in objects
                if item["metadata"]["name"].endswith("-loadtest-token")
            ]

        (first,) = tokens(await helm.install(TESTED))
        assert len(parse_token(base64.b64decode(first).decode())) == 40
        assert tokens(await helm.upgrade(TESTED | {"clusterId": 3})) == [first]
        assert tokens(await helm.upgrade({})) == []


async def test_without_it_there_is_nothing_of_it() -> None:
    release = Release(await render({}))
    assert not [item for item in release.objects if "loadtest" in str(item["metadata"]["name"])]


async def test_the_longest_names_fit() -> None:
    """A pod of an Indexed Job has its name and index as its host's name."""
    release = Release(await render({**TESTED, "fullnameOverride": "a" * 60}))
    assert all(len(f"{name}-999") <= 63 for name in release.names("Job"))
