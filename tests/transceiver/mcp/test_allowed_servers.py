"""Which servers may be reached, by where their names lead."""

import ipaddress

import pytest

from transceiver.mcp.allowed_servers import AllowedServers, is_public


@pytest.mark.parametrize("address", ["8.8.8.8", "2001:4860:4860::8888", "64:ff9b::808:808"])
def test_a_public_address_is_public(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "10.0.0.1",
        "100.64.0.1",
        "127.0.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "192.0.0.192",
        "192.168.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::10.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
        "64:ff9b:1::a00:1",
        "2001:0:53aa:64c:0:fb:f5ff:fffe",
        "2002:a00:1::",
        "fc00::1",
        "fe80::1",
        "fec0::1",
        "ff02::1",
    ],
)
def test_no_other_address_is_nor_one_that_leads_to_it(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    ("text", "url", "address", "permitted"),
    [
        ("*", "https://a.example", "8.8.8.8", True),
        ("*", "http://a.example", "8.8.8.8", False),
        ("*", "https://a.example", "10.0.0.1", False),
        ("none", "https://a.example", "8.8.8.8", False),
        ("a.example", "http://A.example.", "10.0.0.1", True),
        ("a.example", "https://b.example", "8.8.8.8", False),
        ("*.example", "http://a.b.example", "10.0.0.1", True),
        ("*.example", "http://example", "10.0.0.1", False),
        ("*.example", "http://badexample", "10.0.0.1", False),
        ("10.0.0.0/8", "http://a.example", "10.1.2.3", True),
        ("10.0.0.0/8", "http://a.example", "11.1.2.3", False),
        ("*, 10.0.0.7", "http://a.example", "10.0.0.7", True),
        ("*, 10.0.0.7", "https://a.example", "8.8.8.8", True),
        ("::1", "http://[::1]", "::1", True),
        ("10.0.0.0/8", "http://[::1]", "::1", False),
    ],
)
def test_what_is_permitted(text: str, url: str, address: str, *, permitted: bool) -> None:
    scheme, _, host = url.partition("://")
    allowed = AllowedServers.parse(text)
    assert allowed.permits(scheme, host.strip("[]"), ipaddress.ip_address(address)) is permitted


@pytest.mark.parametrize("text", ["", "a b", "https://a.example", "a.example:80", "*,,a"])
def test_what_is_no_list_of_servers(text: str) -> None:
    with pytest.raises(ValueError, match="expected a host"):
        AllowedServers.parse(text)
