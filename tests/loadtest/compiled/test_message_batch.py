"""Addresses as the kernel holds them."""

import pytest

from loadtest.compiled.message_batch import NAME_BYTES, address_of, socket_name


@pytest.mark.parametrize("address", [("192.0.2.7", 3478), ("2001:db8::9", 65535)])
def test_an_address_goes_there_and_back(address: tuple[str, int]) -> None:
    name = socket_name(*address)
    assert len(name) == NAME_BYTES
    assert address_of(name) == address
