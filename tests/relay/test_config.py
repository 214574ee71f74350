import pytest

from chassis.host_port import HostPort
from chassis.settings import SettingError, load
from relay.config import RelayConfig

REQUIRED = ["--cluster-keys", "keys"]


def load_relay(*flags: str) -> RelayConfig:
    return load(RelayConfig, [*REQUIRED, *flags], {}, prog="relay")


def test_defaults() -> None:
    config = load_relay()

    assert config.public.addresses == (HostPort("0.0.0.0", 3478),)
    assert (config.workers, config.cluster_id, config.max_flows) == (1, 0, 200_000)
    assert (config.fast_path, config.moderation_us, config.drain_seconds) == ("auto", 1000, 30)
    assert config.handover is None
    assert (config.phone_ports.count, config.phone_host) == (0, "0.0.0.0")
    assert config.owners.allows("10.0.0.1")


def test_an_address_of_each_family() -> None:
    config = load_relay("--public", "0.0.0.0:3478,[::]:3479")

    assert config.public.addresses == (HostPort("0.0.0.0", 3478), HostPort("::", 3479))


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        ("--public", "3478"),
        ("--public", "127.0.0.1:1,127.0.0.2:1"),
        ("--public", "[::1]:1,[::2]:1"),
        ("--public", "127.0.0.1:1,[::1]:1,127.0.0.2:1"),
        ("--public", "127.0.0.1:1,"),
        ("--tunnel", "0.0.0.0:4000"),
        ("--tunnel", "[::]:4000"),
        ("--tunnel", "relay.example:4000"),
        ("--workers", "0"),
        ("--cpus", "all"),
        ("--cpus", "1,1"),
        ("--cpus", "3-1"),
        ("--cpus", "0-100000"),
        ("--cluster-id", "256"),
        ("--cluster-id", "-1"),
        ("--owners", "10.0.0.1/8"),
        ("--max-flows", "none"),
        ("--fast-path", "yes"),
        ("--moderation-us", "1000000"),
        ("--drain-seconds", "-1"),
        ("--phone-ports", "many"),
        ("--phone-ports", "5000-4000"),
        ("--phone-host", "phones.example"),
        ("--phone-host", "192.0.2.1:40000"),
    ],
)
def test_names_the_flag_that_cannot_be_used(flag: str, value: str) -> None:
    with pytest.raises(SettingError, match=flag):
        load_relay(flag, value)


def test_every_worker_needs_a_cpu_of_the_list() -> None:
    assert load_relay("--workers", "2", "--cpus", "0,4").cpus.cpus == (0, 4)
    with pytest.raises(SettingError, match="--cpus 0,4: fewer than the 3 workers"):
        load_relay("--workers", "3", "--cpus", "0,4")


def test_the_key_file_is_required() -> None:
    with pytest.raises(SettingError, match="--cluster-keys"):
        load(RelayConfig, [], {}, prog="relay")
