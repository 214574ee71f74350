"""The setting that says where replicas are."""

import pytest

from chassis.host_port import HostPort
from transceiver.replica_addresses import ReplicaAddresses


@pytest.mark.parametrize(
    ("text", "listed", "names"),
    [
        ("10.0.0.1:50051", ["10.0.0.1:50051"], []),
        ("10.0.0.1:1, host:2 ,[::1]:3", ["10.0.0.1:1", "host:2", "[::1]:3"], []),
        ("dns:inference.voice.svc:50051", [], ["inference.voice.svc:50051"]),
        ("10.0.0.1:1,dns:name:2", ["10.0.0.1:1"], ["name:2"]),
    ],
)
def test_addresses_and_names(text: str, listed: list[str], names: list[str]) -> None:
    addresses = ReplicaAddresses.parse(text)
    assert addresses.listed == tuple(map(HostPort.parse, listed))
    assert addresses.names == tuple(map(HostPort.parse, names))
    assert ReplicaAddresses.parse(str(addresses)) == addresses


@pytest.mark.parametrize("text", ["", ",", "host", "host:1,", "dns:", "dns:name", "a:1,a:1", "dns"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected|port|twice"):
        ReplicaAddresses.parse(text)
