"""Settings of the relay process."""

import ipaddress
from dataclasses import dataclass
from enum import StrEnum

from chassis.host_port import HostPort
from chassis.logs import LogFormat, log_format, log_level
from chassis.settings import SettingError, positive, setting, whole_number
from relay.cluster_relays import NO_CLUSTERS, ClusterRelays
from relay.cpu_pinning import CpuPinning
from relay.owner_allow_list import PRIVATE_OWNERS, OwnerAllowList
from relay.owner_places import NO_OWNERS, OwnerPlaces
from relay.phone_ports import NO_PHONES, PhonePorts
from relay.port_leases import UNSPECIFIED
from relay.public_addresses import PublicAddresses

LONGEST_MODERATION_US = 20_000
"""A voice packet's worth of time: nobody wants to wait longer."""


class AfterHandover(StrEnum):
    """What a relay does that was replaced."""

    EXIT = "exit"
    WAIT = "wait"

    @classmethod
    def parse(cls, text: str) -> "AfterHandover":
        """Raises ValueError."""
        if text not in list(cls):
            raise ValueError(f"expected exit or wait, not {text!r}")
        return cls(text)


def fast_path(text: str) -> str:
    """Raises ValueError unless it is a choice of `--fast-path`."""
    if text not in ("auto", "on", "off"):
        raise ValueError(f"expected auto, on or off, not {text!r}")
    return text


def ip_host(text: str) -> str:
    """Raises ValueError unless it is an IP address."""
    return str(ipaddress.ip_address(text))


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayConfig:
    """One public UDP port in front of every transceiver: routes on the ICE ufrag."""

    public: PublicAddresses = setting(
        PublicAddresses.parse("0.0.0.0:3478"),
        parse=PublicAddresses.parse,
        help="UDP address that clients send to, or an IPv4 and an IPv6 one, separated by a comma",
    )
    tunnel: HostPort = setting(
        HostPort("127.0.0.1", 0),
        parse=HostPort.parse_concrete,
        help="UDP address that transceivers see; worker I takes port + I, 0 any port",
    )
    phone_ports: PhonePorts = setting(
        NO_PHONES,
        parse=PhonePorts.parse,
        help="extra UDP ports at --public's first address, one for each call of a SIP phone behind "
        "NAT that has no ICE: FIRST-LAST, a number of any ports, or 0",
    )
    phone_host: str = setting(
        UNSPECIFIED[0],
        parse=ip_host,
        help="IP address by which phones reach these; by default the one that transceivers "
        "--advertise, which is right for one relay",
    )
    workers: int = setting(1, parse=positive, help="worker processes, one a core")
    cpus: CpuPinning = setting(
        CpuPinning.parse("auto"),
        parse=CpuPinning.parse,
        help="CPUs that workers keep to, such as 2,4-7; auto: the first ones, where they suffice; "
        "or off",
    )
    cluster_keys: str = setting(
        parse=str, help="file with the cluster's keys, read again when it changes"
    )
    cluster_id: int = setting(0, parse=whole_number(0, 255), help="this cluster's number, 0 to 255")
    clusters: ClusterRelays = setting(
        NO_CLUSTERS,
        parse=ClusterRelays.parse,
        help="tunnel addresses of the relays of other clusters, to which calls of theirs are sent "
        "on: NUMBER=HOST:PORT or NUMBER=dns:NAME:PORT, separated by commas; may name this cluster",
    )
    remote_relays: OwnerAllowList = setting(
        PRIVATE_OWNERS,
        parse=OwnerAllowList.parse,
        help="networks that relays of other clusters live in, CIDR, separated by commas",
    )
    tunnel_name: HostPort | None = setting(
        None,
        parse=HostPort.parse_concrete,
        help="address by which relays of other clusters reach --tunnel, if another; worker I has "
        "port + I",
    )
    owners: OwnerAllowList = setting(
        PRIVATE_OWNERS,
        parse=OwnerAllowList.parse,
        help="networks that transceivers live in, CIDR, separated by commas",
    )
    transceivers: OwnerPlaces = setting(
        NO_OWNERS,
        parse=OwnerPlaces.parse,
        help="tunnel addresses of transceivers, to whom a relay makes itself known as it starts: "
        "HOST:PORT, or dns:NAME:PORT for every address of a name, separated by commas; FIRST-LAST "
        "for the ports of several workers",
    )
    max_flows: int = setting(
        200_000,
        parse=positive,
        help="client addresses that a worker remembers, 0.1 kB each; 0.5 kB without fast path",
    )
    fast_path: str = setting(
        "auto",
        parse=fast_path,
        help="forward in compiled code: on, off, or auto: where numba is installed",
    )
    moderation_us: int = setting(
        1000,
        parse=whole_number(0, LONGEST_MODERATION_US),
        help="microseconds that the fast path at most lets packets gather under load; 0: none",
    )
    drain_seconds: int = setting(
        30,
        parse=whole_number(0),
        help="how long SIGTERM at most waits for the calls that are left",
    )
    handover: str | None = setting(
        None,
        parse=str,
        help="Unix socket on which a relay hands its sockets and flows to the one that replaces "
        "it: a path, or @NAME within its network namespace",
    )
    after_handover: AfterHandover = setting(
        AfterHandover.EXIT,
        parse=AfterHandover.parse,
        help="what the replaced one does then: exit, or wait for SIGTERM where who ends is started "
        "again, as by Kubernetes",
    )
    ready_file: str | None = setting(
        None,
        parse=str,
        help="file that is there while /readyz would say so: two relays of a hand-over share the "
        "admin port",
    )
    admin: HostPort = setting(
        HostPort("127.0.0.1", 8081),
        parse=HostPort.parse,
        help="address of /metrics and health",
    )
    log_level: str = setting("info", parse=log_level, help="debug, info, warning or error")
    log_format: LogFormat = setting(
        LogFormat.TEXT, parse=log_format, help="of the log's lines: text or json"
    )
    ready_fd: int | None = setting(
        None, parse=whole_number(0), help="pipe on which to report readiness"
    )

    def __post_init__(self) -> None:
        if self.cpus.cpus and len(self.cpus.cpus) < self.workers:
            raise SettingError(f"--cpus {self.cpus}: fewer than the {self.workers} workers")
