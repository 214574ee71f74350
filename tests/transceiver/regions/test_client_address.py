from ipaddress import ip_address, ip_network

import pytest

from transceiver.regions.client_address import MAX_HOPS, client_address
from transceiver.regions.network_map import IpAddress

PROXIES = ip_network("10.0.0.0/8")


def trusted(address: IpAddress) -> bool:
    return address in PROXIES


@pytest.mark.parametrize(
    ("sender", "lines", "client"),
    [
        pytest.param("192.0.2.1", [], "192.0.2.1", id="no proxy"),
        pytest.param("192.0.2.1", ["198.51.100.7"], "192.0.2.1", id="a client's own header"),
        pytest.param("10.0.0.1", ["198.51.100.7"], "198.51.100.7", id="one proxy"),
        pytest.param(
            "10.0.0.1", ["203.0.113.9, 198.51.100.7"], "198.51.100.7", id="what a client wrote"
        ),
        pytest.param("10.0.0.1", ["198.51.100.7, 10.0.0.2"], "198.51.100.7", id="two proxies"),
        pytest.param("10.0.0.1", ["198.51.100.7", "10.0.0.2"], "198.51.100.7", id="two lines"),
        pytest.param("10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3", id="a client of the inside"),
        pytest.param("10.0.0.1", [], "10.0.0.1", id="a proxy that says nothing"),
        pytest.param("10.0.0.1", ["198.51.100.7:4711"], "198.51.100.7", id="with a port"),
        pytest.param("10.0.0.1", ["[2001:db8::1]:4711"], "2001:db8::1", id="IPv6 with a port"),
        pytest.param("10.0.0.1", ["[2001:db8::1]"], "2001:db8::1", id="IPv6 in brackets"),
        pytest.param("10.0.0.1", ["2001:db8::1"], "2001:db8::1", id="plain IPv6"),
        pytest.param("::ffff:10.0.0.1", ["198.51.100.7"], "198.51.100.7", id="a mapped proxy"),
        pytest.param("10.0.0.1", ["198.51.100.7, unknown"], None, id="no address"),
        pytest.param("10.0.0.1", [""], None, id="empty"),
        pytest.param("", ["198.51.100.7"], None, id="no IP connection"),
    ],
)
def test_addresses_are_believed_as_far_as_trusted_proxies_wrote_them(
    sender: str, lines: list[str], client: str | None
) -> None:
    assert client_address(sender, lines, trusted) == (client and ip_address(client))


def test_a_long_list_is_read_from_its_end() -> None:
    hops = ["10.0.0.2"] * MAX_HOPS
    assert client_address("10.0.0.1", [", ".join(hops[1:])], trusted) == ip_address("10.0.0.2")
    listed = ", ".join(["198.51.100.7", *hops])
    assert client_address("10.0.0.1", [listed], trusted) == ip_address("10.0.0.2")
