import pytest

from tests.transceiver.regions.test_zones_file import AMERICA, EUROPE, FILE
from transceiver.regions.zones import CurrentZones, Zone, Zones
from transceiver.regions.zones_file import parse_zones

ZONES = parse_zones(FILE, here=1)
WITHOUT_DEFAULT = parse_zones(FILE.replace('default-zone = "america"', ""), here=1)
PROXY = "10.0.0.1"


@pytest.mark.parametrize(
    ("sender", "country", "forwarded_for", "zone"),
    [
        pytest.param(PROXY, ["FR"], [], EUROPE, id="a proxy's word"),
        pytest.param(PROXY, ["fr "], [], EUROPE, id="in any case"),
        pytest.param(PROXY, ["US", "DE"], [], EUROPE, id="the last word"),
        pytest.param(PROXY, ["FR"], ["192.0.2.200"], EUROPE, id="a word before an address"),
        pytest.param(PROXY, ["XX"], ["192.0.2.1"], EUROPE, id="an address where no zone has it"),
        pytest.param(PROXY, [], ["192.0.2.200"], AMERICA, id="the smallest network"),
        pytest.param("192.0.2.1", ["US"], ["192.0.2.200"], EUROPE, id="nobody's word"),
        pytest.param("2001:db8::1", [], [], EUROPE, id="IPv6"),
        pytest.param("::ffff:192.0.2.1", [], [], EUROPE, id="mapped IPv4"),
        pytest.param("198.51.100.1", ["FR"], [], None, id="nowhere"),
        pytest.param("", [], [], None, id="no address"),
    ],
)
def test_the_zone_of_a_client(
    sender: str, country: list[str], forwarded_for: list[str], zone: Zone | None
) -> None:
    headers = {"CF-IPCountry": country, "X-Forwarded-For": forwarded_for}
    assert WITHOUT_DEFAULT.find(sender, headers) == zone
    assert ZONES.find(sender, headers) == (zone or AMERICA)


def test_without_zones_no_client_has_one() -> None:
    assert Zones().find(PROXY, {}) is None


def test_zones_become_others() -> None:
    current = CurrentZones(Zones())
    current.become(ZONES)
    assert current.now is ZONES
