from ipaddress import IPv4Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transceiver.regions.network_map import NetworkMap, plain_address

NESTED = NetworkMap.of(
    (ip_network(text), text)
    for text in ("0.0.0.0/0", "192.0.2.0/24", "192.0.2.128/25", "192.0.2.200/32", "2001:db8::/32")
)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.200", "192.0.2.200/32"),
        ("192.0.2.201", "192.0.2.128/25"),
        ("192.0.2.1", "192.0.2.0/24"),
        ("198.51.100.1", "0.0.0.0/0"),
        ("2001:db8::1", "2001:db8::/32"),
        ("2001:db9::1", None),
    ],
)
def test_the_smallest_network_that_covers_an_address_has_it(
    address: str, network: str | None
) -> None:
    assert NESTED.find(ip_address(address)) == network


def test_without_networks_nothing_is_found() -> None:
    assert NetworkMap[str].of(()).find(ip_address("192.0.2.1")) is None


@given(st.lists(st.tuples(st.ip_addresses(v=4), st.integers(0, 32))), st.ip_addresses(v=4))
def test_it_finds_what_a_search_through_all_finds(
    networks: list[tuple[IPv4Address, int]], address: IPv4Address
) -> None:
    found = {ip_network((int(each), length), strict=False) for each, length in networks}
    covering = [each for each in found if address in each]
    longest = max(covering, key=lambda each: each.prefixlen, default=None)
    assert NetworkMap.of((each, each) for each in found).find(address) == longest


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::1"),
        ("192.0.2.1:80", None),
        ("unknown", None),
        ("", None),
    ],
)
def test_addresses_in_text(text: str, address: str | None) -> None:
    assert plain_address(text) == (address and ip_address(address))
