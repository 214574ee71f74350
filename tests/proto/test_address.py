import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon_proto.address import (
    Address,
    decode_address,
    encode_address,
    network_of,
    pack_host,
    unpack_host,
)

addresses = st.tuples(st.ip_addresses().map(str), st.integers(0, 65535))


@pytest.mark.parametrize(
    ("host", "packed"),
    [
        ("192.0.2.1", "c0000201"),
        ("2001:db8::1", "20010db8000000000000000000000001"),
        ("::", "00" * 16),
        ("::ffff:192.0.2.1", "00000000000000000000ffffc0000201"),
    ],
)
def test_hosts_have_the_text_that_sockets_give_them(host: str, packed: str) -> None:
    assert pack_host(host).hex() == packed
    assert unpack_host(bytes.fromhex(packed)) == host


@pytest.mark.parametrize("host", ["", "localhost", "[::1]", "fe80::1%eth0", "1.2.3", "1.2.3.04"])
def test_a_host_that_is_no_ip_address_is_refused(host: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        pack_host(host)


@pytest.mark.parametrize("length", [0, 3, 5, 15, 17])
def test_a_packed_host_has_the_length_of_its_family(length: int) -> None:
    with pytest.raises(ValueError, match=r"."):
        unpack_host(bytes(length))


def test_the_encoding_is_family_port_host() -> None:
    assert encode_address(("192.0.2.1", 258)).hex() == "040102c0000201"
    assert encode_address(("2001:db8::1", 258)).hex() == "060102" + "20010db8" + "00" * 11 + "01"


@given(addresses)
def test_an_address_survives_the_wire(address: Address) -> None:
    host, port = decode_address(encode_address(address))
    assert (pack_host(host), port) == (pack_host(address[0]), address[1])


@pytest.mark.parametrize("port", [-1, 65536])
def test_a_port_is_16_bits(port: int) -> None:
    with pytest.raises(ValueError, match="port"):
        encode_address(("192.0.2.1", port))


@given(st.binary(max_size=24))
def test_other_bytes_are_refused_or_canonical(data: bytes) -> None:
    try:
        address = decode_address(data)
    except ValueError:
        return
    assert encode_address(address) == data


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.254", True),
        ("192.0.2.1", "192.0.3.1", False),
        ("2001:db8:0:1ff::1", "2001:db8:0:100::2", True),
        ("2001:db8:0:1ff::1", "2001:db8:0:200::1", False),
    ],
)
def test_neighbours_are_one_network(one: str, other: str, same: bool) -> None:
    assert (network_of(one) == network_of(other)) is same
