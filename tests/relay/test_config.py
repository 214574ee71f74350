import pytest

from chassis.host_port import HostPort
from chassis.settings import SettingError, load
from relay.config import RelayConfig

REQUIRED = ["--cluster-keys", "keys"]


def load_relay(*flags: str) -> RelayConfig:
    return load(RelayConfig, [*REQUIRED, *flags], {}, prog="relay")


def test_defaults() -> None:
    config = load_relay()

    assert config.public == HostPort("0.0.0.0", 3478)
    assert (config.workers, config.cluster_id, config.max_flows) == (1, 0, 200_000)
    assert config.owners.allows("10.0.0.1")


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        ("--public", "3478"),
        ("--tunnel", "0.0.0.0:4000"),
        ("--tunnel", "[::]:4000"),
        ("--tunnel", "relay.example:4000"),
        ("--workers", "0"),
        ("--cluster-id", "256"),
        ("--cluster-id", "-1"),
        ("--owners", "10.0.0.1/8"),
        ("--max-flows", "none"),
        ("--flow-idle-seconds", "0"),
    ],
)
def test_names_the_flag_that_cannot_be_used(flag: str, value: str) -> None:
    with pytest.raises(SettingError, match=flag):
        load_relay(flag, value)


def test_the_key_file_is_required() -> None:
    with pytest.raises(SettingError, match="--cluster-keys"):
        load(RelayConfig, [], {}, prog="relay")
