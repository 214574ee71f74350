"""Settings of the relay process."""

from dataclasses import dataclass

from chassis.host_port import HostPort
from chassis.logs import log_level
from chassis.settings import positive, setting, whole_number
from relay.owner_allow_list import PRIVATE_OWNERS, OwnerAllowList


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
        parse=HostPort.parse_concrete,
        help="UDP address that transceivers see; worker I takes port + I, 0 any port",
    )
    workers: int = setting(1, parse=positive, help="worker processes, one a core")
    cluster_keys: str = setting(parse=str, help="file with the cluster's keys")
    cluster_id: int = setting(0, parse=whole_number(0, 255), help="this cluster's number, 0 to 255")
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
    ready_fd: int | None = setting(
        None, parse=whole_number(0), help="pipe on which to report readiness"
    )
