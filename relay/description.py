"""What a worker says of itself when an operator asks."""

from dataclasses import dataclass

from antiphon_proto.address import Address


@dataclass(frozen=True, slots=True)
class WorkerDescription:
    """One worker's state at one moment."""

    tunnel: Address
    epoch: int
    fast_path: bool
    fallback: str | None
    """Why the compiled loop does not run, where it does not."""
    bound: int
    provisional: int
    ssrcs: int
    phone_ports: int
    leased_ports: int
    table_bytes: int
    """Memory reserved for the flow table; 0 for the one in plain Python."""
    draining: bool
    config_ids: tuple[int, ...]
    """Of the cluster's keys that are in force, in the order of the file."""
    owners: tuple[tuple[Address, int], ...]
    """Each owner with its bound flows; one of another cluster is written with that."""
    clusters: tuple[tuple[int, int, int], ...] = ()
    """Each other cluster, with its relay workers that are known and those that answer."""
