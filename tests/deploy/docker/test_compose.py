"""What deploy/compose.yaml gives the tiers is what they take."""

import ipaddress
from dataclasses import fields

import pytest

from antiphon.keys_rotate import RotateSettings
from chassis.host_port import HostPort
from chassis.settings import load, variable_name
from inference.config import InferenceConfig
from relay.config import RelayConfig
from tests.deploy.docker.compose_file import ComposeFile, in_order, read
from tests.deploy.docker.test_dockerfiles import ROOT, TIERS
from transceiver.config import TransceiverConfig

ADVERTISE = {"ANTIPHON_ADVERTISE": "192.0.2.7:3478"}
CONFIGS: dict[str, type] = {
    "relay": RelayConfig,
    "transceiver": TransceiverConfig,
    "inference": InferenceConfig,
}


@pytest.fixture(scope="module")
def file() -> ComposeFile:
    return read(ADVERTISE)


@pytest.mark.parametrize("tier", TIERS)
def test_every_variable_is_a_setting_of_the_tier(file: ComposeFile, tier: str) -> None:
    service = file.services[tier]
    known = {variable_name(field.name) for field in fields(CONFIGS[tier])}
    assert set(service.environment) | service.passed_on <= known
    load(CONFIGS[tier], [], service.environment, prog=tier)


def test_the_tiers_find_each_other(file: ComposeFile) -> None:
    configs = {
        tier: load(CONFIGS[tier], [], file.services[tier].environment, prog=tier) for tier in TIERS
    }
    relay, transceiver = configs["relay"], configs["transceiver"]
    assert relay.tunnel.host == file.services["relay"].address
    assert transceiver.tunnel.host == file.services["transceiver"].address
    assert transceiver.relays.listed == (relay.tunnel,)
    (inference,) = transceiver.inference.listed
    assert (inference.host, inference.port) == ("inference", configs["inference"].grpc.port)
    assert relay.cluster_keys == transceiver.cluster_keys
    for tier in TIERS:
        address = file.services[tier].address
        assert file.services[tier].networks == {"tiers"}
        assert address is None or address in map(str, ipaddress.ip_network(file.subnet).hosts())


def test_only_media_and_the_api_are_published(file: ComposeFile) -> None:
    published = {name: service.ports for name, service in file.services.items() if service.ports}
    assert published == {"relay": [(3478, 3478, "udp")], "transceiver": [(8080, 8080, "tcp")]}


def test_every_service_may_do_as_little_as_it_needs(file: ComposeFile) -> None:
    for service in file.services.values():
        assert service.text["read_only"] is True
        assert service.text["cap_drop"] == ["ALL"]
        assert service.text["security_opt"] == ["no-new-privileges:true"]
        assert service.text["logging"]["options"]["max-size"]
        writable = [name for name, _path, may_write in service.volumes if may_write]
        assert writable == (["keys"] if service.name in ("keys", "rotate") else [])
    assert file.services["keys"].text["network_mode"] == "none"


def test_keys_can_be_rotated_at_every_process(file: ComposeFile) -> None:
    service = file.services["rotate"]
    assert service.is_asked_for
    assert service.command == ["antiphon", "keys", "rotate", "--wait"]
    told = load(RotateSettings, ["--wait"], service.environment, prog="rotate")
    assert told.cluster_keys == file.services["relay"].environment["ANTIPHON_CLUSTER_KEYS"]
    ports = {"relay": told.relay_admins, "transceiver": told.transceiver_admins}
    for tier, admins in ports.items():
        bound = HostPort.parse(file.services[tier].environment["ANTIPHON_ADMIN"])
        assert [(each.host, list(each.ports)) for each in admins.entries] == [(tier, [bound.port])]


def test_secrets_are_mounted_as_a_directory_for_a_file_would_never_change(
    file: ComposeFile,
) -> None:
    assert file.volumes == {"keys"}
    for service in file.services.values():
        for _name, path, _may_write in service.volumes:
            assert path == "/etc/antiphon"
        for variable, value in service.environment.items():
            if variable in ("ANTIPHON_CLUSTER_KEYS", "ANTIPHON_API_KEYS"):
                assert value.startswith("/etc/antiphon/")


def test_a_transceiver_starts_when_the_others_are_well(file: ComposeFile) -> None:
    names = [service.name for service in in_order(file.services)]
    assert names.index("keys") < names.index("relay") < names.index("transceiver")
    assert file.services["transceiver"].waits_for == {
        "keys": "service_completed_successfully",
        "relay": "service_healthy",
        "inference": "service_healthy",
    }


@pytest.mark.parametrize("tier", TIERS)
def test_there_is_time_to_drain(file: ComposeFile, tier: str) -> None:
    service = file.services[tier]
    config = load(CONFIGS[tier], [], service.environment, prog=tier)
    assert service.stop_grace_seconds >= config.drain_seconds + 5


def test_images_are_built_from_the_dockerfiles(file: ComposeFile) -> None:
    built = {service.dockerfile for service in file.services.values() if "build" in service.text}
    assert built == {f"deploy/docker/{tier}.Dockerfile" for tier in TIERS}
    assert all((ROOT / path).is_file() for path in built)
    assert file.services["keys"].image == file.services["relay"].image


def test_without_the_hosts_address_it_says_what_is_missing() -> None:
    with pytest.raises(ValueError, match=r"ANTIPHON_ADVERTISE is the address and port"):
        read({})


def test_images_of_another_registry_and_version_can_be_had() -> None:
    variables = {**ADVERTISE, "ANTIPHON_REGISTRY": "registry.example/voice", "ANTIPHON_TAG": "9"}
    assert read(variables).services["relay"].image == "registry.example/voice/relay:9"
