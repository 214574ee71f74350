from ipaddress import ip_address

import pytest

from transceiver.sip.ip_host import ip_host


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::1"),
        ("[2001:DB8:0::1]", "2001:db8::1"),
    ],
)
def test_an_address_is_the_same_however_it_is_written(text: str, address: str) -> None:
    assert ip_host(text) == ip_address(address)


@pytest.mark.parametrize("text", ["", "trunk.example", "192.0.2", "192.0.2.1:5060"])
def test_a_name_is_no_address(text: str) -> None:
    assert ip_host(text) is None
