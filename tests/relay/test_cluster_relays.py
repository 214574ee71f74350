import pytest

from chassis.host_port import HostPort
from relay.cluster_relays import NO_CLUSTERS, ClusterRelays, RelayPlace


def test_places_are_read_as_they_are_written() -> None:
    text = "2=dns:relays.eu.example:40000,3=203.0.113.7:40000,3=[2001:db8::7]:40001"
    clusters = ClusterRelays.parse(text)
    assert list(clusters) == [
        RelayPlace(2, HostPort("relays.eu.example", 40000), is_name=True),
        RelayPlace(3, HostPort("203.0.113.7", 40000), is_name=False),
        RelayPlace(3, HostPort("2001:db8::7", 40001), is_name=False),
    ]
    assert str(clusters) == text
    assert clusters


def test_no_text_is_no_cluster() -> None:
    assert ClusterRelays.parse(" ") == NO_CLUSTERS
    assert not NO_CLUSTERS


@pytest.mark.parametrize(
    "text",
    [
        "203.0.113.7:40000",
        "256=203.0.113.7:40000",
        "-1=203.0.113.7:40000",
        "two=203.0.113.7:40000",
        "2=203.0.113.7",
        "2=203.0.113.7:0",
        "2=dns:relays:0",
        "2=relays.example:40000",
        "2=0.0.0.0:40000",
        "2=dns:relays.example",
        "2=203.0.113.7:40000,",
        "2=203.0.113.7:40000,2=203.0.113.7:40000",
    ],
)
def test_what_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        ClusterRelays.parse(text)
