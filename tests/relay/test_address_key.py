from hypothesis import example, given
from hypothesis import strategies as st

from antiphon_proto.address import unpack_host
from relay.address_key import address_of, key_of

HOSTS = st.ip_addresses().map(lambda each: unpack_host(each.packed))
"""As sockets write them."""


@given(HOSTS, st.integers(0, 2**16 - 1), st.none() | st.integers(0, 255))
@example("10.0.0.1", 5000, 255)
def test_names_any_owner_of_any_cluster_in_its_bits(host, port, cluster) -> None:
    address = (host if cluster is None else f"{host}%{cluster}", port)

    hi, lo, kept_port, family = key_of(address)

    assert max(hi, lo) < 2**64
    assert max(kept_port, family) < 2**16
    assert address_of(hi, lo, kept_port, family) == address
