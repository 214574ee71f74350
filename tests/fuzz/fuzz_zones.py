"""Zones: whatever a file says raises ZonesError only, and whatever a header says finds a zone."""

from transceiver.regions.client_address import client_address
from transceiver.regions.zones_file import ZonesError, parse_zones

FILE = b"""\
trusted-proxies = ["10.0.0.0/8"]
zone-header = "CF-IPCountry"
default-zone = "europe"
clusters.2.api = "https://us.voice.example"
[zones.europe]
clusters = [1, 2]
relay = "203.0.113.7:3478"
header-values = ["DE"]
networks = ["192.0.2.0/24"]
"""
SEEDS = [FILE, b"198.51.100.7, 10.0.0.2", b"[2001:db8::1]:4711", b"198.51.100.7:80,::ffff:10.0.0.1"]


def one_input(data: bytes) -> None:
    """Read `data` as a file and as what a proxy wrote."""
    text = data.decode("utf-8", "surrogateescape")
    client_address("10.0.0.1", text.split("\n"), lambda address: address.is_private)
    try:
        zones = parse_zones(text, here=1)
    except ZonesError:
        return
    headers = {name: [text] for name in zones.headers}
    zone = zones.find("10.0.0.1", headers)
    assert zone is None or zone in zones.zones.values()
