"""Settings of the relay process."""

import ipaddress
from dataclasses import dataclass

from chassis.host_port import HostPort
from chassis.logs import log_level
from chassis.settings import positive, setting
from relay.owner_allow_list import PRIVATE_OWNERS, OwnerAllowList


def tunnel_address(text: str) -> HostPort:
    """An IP address that owners can send to: the tunnel's tag covers it, so no wildcard.

    Raises ValueError otherwise.
    """
    address = HostPort.parse(text)
    if ipaddress.ip_address(address.host).is_unspecified:
        raise ValueError(f"must be an address that transceivers can reach, not {address.host}")
    return address


def cluster_id(text: str) -> int:
    """A number that fits a ufrag's byte. Raises ValueError otherwise."""
    number = int(text)
    if not 0 <= number <= 255:
        raise ValueError("must be from 0 to 255")
    return number


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayConfig:
    """One public UDP port in front of every transceiver: routes on the ICE ufrag."""

    public: HostPort = setting(
        HostPort("0.0.0.0", 3478),  # noqa: S104 - the port that the internet shall reach
        parse=HostPort.parse,
        help="UDP address that clients send to; [::]:PORT serves IPv6 alone",
    )
    tunnel: HostPort = setting(
        HostPort("127.0.0.1", 0),
        parse=tunnel_address,
        help="UDP address that transceivers see; worker I takes port + I, 0 any port",
    )
    workers: int = setting(1, parse=positive, help="worker processes, one a core")
    cluster_keys: str = setting(parse=str, help="file with the cluster's keys")
    cluster_id: int = setting(0, parse=cluster_id, help="this cluster's number, 0 to 255")
    owners: OwnerAllowList = setting(
        PRIVATE_OWNERS,
        parse=OwnerAllowList.parse,
        help="networks that transceivers live in, CIDR, separated by commas",
    )
    max_flows: int = setting(
        200_000,
        parse=positive,
        help="client addresses that one worker remembers, about 0.4 kB each",
    )
    flow_idle_seconds: int = setting(
        60, parse=positive, help="how long a silent client's address is remembered"
    )
    admin: HostPort = setting(
        HostPort("127.0.0.1", 8081),
        parse=HostPort.parse,
        help="address of /metrics and health",
    )
    log_level: str = setting("info", parse=log_level, help="debug, info, warning or error")
    ready_fd: int | None = setting(None, parse=int, help="pipe on which to report readiness")
