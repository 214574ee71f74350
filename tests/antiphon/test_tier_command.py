from pathlib import Path

import pytest

from antiphon.tier_command import (
    CertificateFiles,
    TierCommand,
    inference_command,
    relay_command,
    transceiver_command,
)
from antiphon.up_settings import UpSettings
from chassis.host_port import HostPort

KEYS = Path("/run/cluster.keys")


def test_relay() -> None:
    assert relay_command(UpSettings(relay_workers=2), KEYS).arguments() == [
        "relay",
        "--public=0.0.0.0:3478",
        "--tunnel=127.0.0.1:0",
        "--admin=127.0.0.1:8081",
        "--workers=2",
        "--cpus=off",
        "--cluster-keys=/run/cluster.keys",
        "--drain-seconds=0",
        "--log-level=warning",
        "--log-format=text",
    ]


@pytest.mark.parametrize(
    ("settings", "flags"),
    [
        (UpSettings(phone_ports="40000-40009"), ["--phone-ports=40000-40009"]),
        (UpSettings(sip=HostPort("127.0.0.1", 5060)), ["--phone-ports=16"]),
        (UpSettings(sip=HostPort("127.0.0.1", 5060), phone_ports="0"), ["--phone-ports=0"]),
        (UpSettings(), []),
    ],
)
def test_phone_ports(settings: UpSettings, flags: list[str]) -> None:
    arguments = relay_command(settings, KEYS).arguments()
    assert [each for each in arguments if each.startswith("--phone-ports")] == flags


def test_inference_with_the_embedded_brain() -> None:
    assert inference_command(UpSettings(), {}).arguments() == [
        "inference",
        "--grpc=127.0.0.1:0",
        "--admin=127.0.0.1:8082",
        "--engine=cascade",
        "--drain-seconds=0",
        "--log-level=warning",
        "--log-format=text",
    ]


def test_inference_with_a_language_model_gets_its_key_by_file() -> None:
    settings = UpSettings(llm_url="http://llm/v1", llm_model="m", llm_api_key="hush")
    arguments = inference_command(settings, {"llm": Path("/run/llm.key")}).arguments()
    assert {"--llm-url=http://llm/v1", "--llm-model=m"} < set(arguments)
    assert "--llm-api-key-file=/run/llm.key" in arguments
    assert not any("hush" in argument for argument in arguments)


def test_inference_with_servers_for_speech() -> None:
    settings = UpSettings(
        asr_url="http://asr/v1",
        asr_model="whisper",
        asr_protocol="realtime",
        tts_url="http://tts/v1",
        tts_model="kokoro",
        tts_voice="af_heart",
        tts_api_key="hush",
    )
    arguments = inference_command(settings, {"tts": Path("/run/tts.key")}).arguments()
    assert {
        "--asr-url=http://asr/v1",
        "--asr-model=whisper",
        "--asr-protocol=realtime",
        "--tts-url=http://tts/v1",
        "--tts-model=kokoro",
        "--tts-voice=af_heart",
        "--tts-api-key-file=/run/tts.key",
    } < set(arguments)
    assert not any("hush" in argument for argument in arguments)


def test_other_replicas_of_inference_have_their_admin_ports_behind_the_workers() -> None:
    settings = UpSettings(workers=2, inference_replicas=3)
    admins = [inference_command(settings, {}, replica).binds["admin"].port for replica in range(3)]
    assert admins == [8082, 8085, 8086]
    assert transceiver_command(
        settings,
        advertise=HostPort("192.0.2.7", 3478),
        inference=[],
        cluster_keys=Path(),
        api_keys=Path(),
    ).binds["admin"] == HostPort("127.0.0.1", 8083)


def test_transceiver() -> None:
    command = transceiver_command(
        UpSettings(workers=2),
        advertise=HostPort("192.0.2.7", 3478),
        inference=[HostPort("127.0.0.1", 41000), HostPort("127.0.0.1", 41001)],
        cluster_keys=KEYS,
        api_keys=Path("/run/api.keys"),
    )
    assert command.arguments() == [
        "transceiver",
        "--http=127.0.0.1:8080",
        "--tunnel=127.0.0.1:0",
        "--admin=127.0.0.1:8083",
        "--advertise=192.0.2.7:3478",
        "--inference=127.0.0.1:41000,127.0.0.1:41001",
        "--workers=2",
        "--cluster-keys=/run/cluster.keys",
        "--api-keys=/run/api.keys",
        "--drain-seconds=0",
        "--log-level=warning",
        "--log-format=text",
    ]


def test_transceiver_with_a_certificate() -> None:
    command = transceiver_command(
        UpSettings(),
        advertise=HostPort("192.0.2.7", 3478),
        inference=[],
        cluster_keys=KEYS,
        api_keys=KEYS,
        certificate=CertificateFiles("/c.pem", "/k.pem"),
    )
    assert command.arguments()[-2:] == ["--tls-certificate=/c.pem", "--tls-key=/k.pem"]


def test_transceiver_with_sip() -> None:
    command = transceiver_command(
        UpSettings(
            tls=True,
            sip=HostPort("0.0.0.0", 5060),
            sip_tls=HostPort("0.0.0.0", 0),
            sip_advertise="sip.example",
            sip_config="/sip.toml",
            sip_credentials="/phones",
        ),
        advertise=HostPort("192.0.2.7", 3478),
        inference=[],
        cluster_keys=KEYS,
        api_keys=KEYS,
    )
    assert {
        "--sip=0.0.0.0:5060",
        "--sip-tls=0.0.0.0:0",
        "--sip-advertise=sip.example",
        "--sip-config=/sip.toml",
        "--sip-credentials=/phones",
    } < set(command.arguments())
    report = {
        "http": "127.0.0.1:1",
        "tunnels": ["127.0.0.1:2"],
        "admins": ["127.0.0.1:3"],
        "sip": "0.0.0.0:5060",
        "sip-tls": "0.0.0.0:5061",
    }
    assert command.rebound(report).binds["sip-tls"] == HostPort("0.0.0.0", 5061)


ANY = HostPort("127.0.0.1", 0)


def test_transceivers_know_the_relays_workers_from_the_beginning() -> None:
    report = {"public": "0.0.0.0:3478", "tunnels": ["127.0.0.1:40001", "127.0.0.1:50002"]}
    relay = TierCommand("relay", {"public": ANY, "tunnel": ANY}, {}).rebound(report)
    command = transceiver_command(
        UpSettings(),
        advertise=HostPort("192.0.2.7", 3478),
        inference=[],
        relays=relay.tunnels,
        cluster_keys=KEYS,
        api_keys=KEYS,
    )
    assert "--relays=127.0.0.1:40001,127.0.0.1:50002" in command.arguments()


@pytest.mark.parametrize(
    ("report", "tunnel"),
    [
        ({"tunnels": ["127.0.0.1:40001"]}, 40001),
        ({"tunnels": ["127.0.0.1:40001", "127.0.0.1:40002"]}, 40001),
        ({"tunnels": ["127.0.0.1:40001", "127.0.0.1:50002"]}, 0),
        ({"tunnels": ["127.0.0.1:40001", "127.0.0.2:40002"]}, 0),
        ({"tunnel": "127.0.0.1:40001"}, 40001),
    ],
)
def test_a_tier_is_started_again_where_it_reported_to_be(
    report: dict[str, str | int | list[str]], tunnel: int
) -> None:
    command = TierCommand("relay", {"tunnel": ANY}, {"workers": "1"})
    assert command.rebound(report).arguments() == [
        "relay",
        f"--tunnel=127.0.0.1:{tunnel}",
        "--workers=1",
    ]


@pytest.mark.parametrize("report", [{}, {"tunnels": []}, {"tunnel": 7}, {"tunnel": "nowhere"}])
def test_a_report_without_the_address_is_refused(
    report: dict[str, str | int | list[str]],
) -> None:
    with pytest.raises(ValueError, match=r"."):
        TierCommand("relay", {"tunnel": ANY}, {}).rebound(report)
