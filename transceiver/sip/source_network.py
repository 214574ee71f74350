"""The network that a request comes from: whoever has one address may well have its neighbours."""

from antiphon_proto.address import pack_host

_PREFIX_BYTES = {4: 3, 16: 7}
"""/24 of IPv4, /56 of IPv6: what one customer or one cheap rented network has."""


def source_network(host: str) -> bytes:
    """Of an IP address. Raises ValueError for anything else."""
    packed = pack_host(host)
    return packed[: _PREFIX_BYTES[len(packed)]]
