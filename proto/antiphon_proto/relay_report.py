"""What a relay tells an operator about itself: JSON on its admin port.

`/debug/relay` is a RelayReport, `/debug/relay/client?host=..&port=..` a ClientReport.
Addresses are HOST:PORT, IPv6 hosts in brackets. Counts only grow while the process
lives; two reports make a rate.
"""

import msgspec


class Traffic(msgspec.Struct, frozen=True, kw_only=True):
    """Packets of one kind forwarded in one direction."""

    direction: str
    """`to_owner` or `to_client`."""
    kind: str
    packets: int
    size: int
    """Bytes, without the tunnel's."""


class Drops(msgspec.Struct, frozen=True, kw_only=True):
    """Packets dropped for one reason."""

    reason: str
    direction: str
    count: int
    meaning: str
    advice: str
    """What an operator can do about it."""
    severity: str
    """`expected` of the open internet, `suspect` while it keeps counting, or a `fault`."""
    refuses_checks: bool
    """Whether these are checks that could not be authenticated."""


class KernelDrops(msgspec.Struct, frozen=True, kw_only=True):
    """Datagrams that the kernel discarded because a receive buffer was full."""

    public: int
    tunnel: int
    phone: int = 0


class OwnedFlows(msgspec.Struct, frozen=True, kw_only=True):
    """An owner that a worker knows, with the flows that it bound."""

    owner: str
    """One of another cluster as HOST%CLUSTER:PORT."""
    bound: int


class RemoteCluster(msgspec.Struct, frozen=True, kw_only=True):
    """Another cluster that a worker sends calls on to."""

    cluster: int
    relays: int
    """Its relay workers that this one knows."""
    answering: int
    """Those of them that answer."""


class WorkerReport(msgspec.Struct, frozen=True, kw_only=True):
    """One worker that answered."""

    index: int
    tunnel: str
    epoch: str
    """16 hexadecimal digits, drawn anew when the worker starts."""
    fast_path: bool
    fallback: str | None
    bound: int
    provisional: int
    ssrcs: int
    table_bytes: int
    moderation_seconds: float
    draining: bool
    config_ids: list[int]
    owners: list[OwnedFlows]
    phone_ports: int = 0
    leased_ports: int = 0
    """Of the phone ports."""
    clusters: list[RemoteCluster] = []


class RelayReport(msgspec.Struct, frozen=True, kw_only=True):
    """The whole relay at one moment."""

    not_ready: str | None
    draining: bool
    public: list[str]
    workers_wanted: int
    workers_alive: int
    worker_restarts: int
    workers: list[WorkerReport]
    checks_verified: dict[int, int]
    """By config id of the cluster's keys."""
    traffic: list[Traffic]
    tunnel_datagrams_sent: int
    punts: int
    evictions: int
    drops: list[Drops]
    kernel_drops: KernelDrops
    receive_errors: int


class ClientFlow(msgspec.Struct, frozen=True, kw_only=True):
    """What one worker remembers of a client's address."""

    worker: int
    client: str
    owner: str
    state: str
    """`provisional`, `bound` or `signalled`."""
    seconds_left: int


class ClientReport(msgspec.Struct, frozen=True, kw_only=True):
    flows: list[ClientFlow]
