"""How a relay tells an owner of another cluster from one of its own.

Clusters number their hosts as they like, so an owner's address means something in its
cluster only. It is written with the cluster behind it, as RFC 4007 writes the zone of a
scoped address: `10.0.0.5%2`. Flow tables, and all that shows an owner, hold it so.

https://www.rfc-editor.org/rfc/rfc4007#section-11
"""

from functools import lru_cache

from antiphon_proto.address import Address

_RECENT = 4096


@lru_cache(maxsize=_RECENT)
def owner_in(cluster: int, owner: Address) -> Address:
    """The owner at an address of that cluster."""
    host, port = owner
    return f"{host}%{cluster}", port


@lru_cache(maxsize=_RECENT)
def cluster_of(owner: Address) -> tuple[Address, int | None]:
    """The address in its cluster, and that cluster, None for this relay's own.

    Raises ValueError when the zone is no cluster's number.
    """
    host, separator, cluster = owner[0].partition("%")
    return ((host, owner[1]), int(cluster)) if separator else (owner, None)


def is_remote(owner: Address) -> bool:
    """Whether it is written with a cluster behind it."""
    return "%" in owner[0]
