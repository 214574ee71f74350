import pickle

import pytest

from chassis.host_port import HostPort
from transceiver.regions.zones import Zone
from transceiver.regions.zones_file import ZonesError, parse_zones

FILE = """\
trusted-proxies = ["10.0.0.0/8"]
zone-header = "CF-IPCountry"
default-zone = "america"

[clusters.1]
api = "https://eu.voice.example"
[clusters.2]
api = "https://us.voice.example/antiphon/"

[zones.europe]
clusters = [1, 2]
relay = "203.0.113.7:3478"
header-values = ["DE", "FR"]
networks = ["192.0.2.0/24", "2001:db8::/32"]

[zones.america]
clusters = [2]
header-values = ["US"]
networks = ["192.0.2.128/25"]
"""
EUROPE = Zone("europe", (1, 2), HostPort("203.0.113.7", 3478))
AMERICA = Zone("america", (2,))


def test_what_a_file_says() -> None:
    zones = parse_zones(FILE, here=1)
    assert zones.zones == {"europe": EUROPE, "america": AMERICA}
    assert zones.apis == {1: "https://eu.voice.example", 2: "https://us.voice.example/antiphon"}
    assert zones.default == AMERICA
    assert zones.headers == ("CF-IPCountry", "X-Forwarded-For")


def test_an_empty_file_has_no_zones() -> None:
    assert parse_zones("", here=0).zones == {}


def test_this_cluster_needs_no_api() -> None:
    assert parse_zones("zones.here.clusters = [7]", here=7).zones == {"here": Zone("here", (7,))}


def test_files_that_say_the_same_are_equal_and_go_to_workers() -> None:
    zones = parse_zones(FILE, here=1)
    assert zones == parse_zones("# more words\n" + FILE, here=1)
    assert zones != parse_zones(FILE.replace("DE", "AT"), here=1)
    assert pickle.loads(pickle.dumps(zones)) == zones


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("[zones.europe]", "[zones.europe", "line 10"),
        ("networks", "network", "zones"),
        ("clusters = [2]", "clusters = []", "zones.america.clusters: expected cluster ids"),
        ("clusters = [2]", "clusters = [2, 2]", "zones.america.clusters: .* twice"),
        ("clusters = [2]", "clusters = [3]", r"zones.america.clusters: there is no \[clusters.3\]"),
        ("clusters = [2]", 'clusters = "all"', r"Expected `array`.*zones"),
        ("clusters = [2]\n", "", "missing required field `clusters`"),
        ("[clusters.2]", "[clusters.256]", "clusters.256: expected a cluster id"),
        ("[clusters.2]", "[clusters.us]", "clusters.us: expected a cluster id"),
        ("https://us.voice.example", "us.voice.example", "clusters.2.api: expected a URL"),
        ("https://us.voice", "https://key@us.voice", "clusters.2.api: .* without user"),
        ("203.0.113.7:3478", "relay.example:3478", "zones.europe.relay: .*relay.example"),
        ("203.0.113.7:3478", "0.0.0.0:3478", "zones.europe.relay: must be an address"),
        ("203.0.113.7:3478", "203.0.113.7", "zones.europe.relay: expected HOST:PORT"),
        ("192.0.2.0/24", "192.0.2.1/24", "zones.europe.networks: 192.0.2.1/24 has host bits"),
        ("192.0.2.128/25", "192.0.2.0/24", "zones.america.networks: .* is in europe, too"),
        ('"US"', '"de"', "zones.america.header-values: 'de' is in europe, too"),
        ('zone-header = "CF-IPCountry"', "", "zones.europe.header-values: zone-header must name"),
        ("CF-IPCountry", "no header", "zone-header: expected the name of an HTTP header"),
        ('["10.0.0.0/8"]', "[]", "zone-header: trusted-proxies must say who"),
        ("10.0.0.0/8", "everybody", "trusted-proxies: 'everybody'"),
        ('"america"', '"asia"', r"default-zone: there is no \[zones.asia\]"),
        ("[zones.europe]", '[zones."a b"]', "zones.a b: expected a name of letters"),
    ],
)
def test_what_cannot_be_used_is_named(before: str, after: str, said: str) -> None:
    assert before in FILE
    with pytest.raises(ZonesError, match=said):
        parse_zones(FILE.replace(before, after), here=1)
