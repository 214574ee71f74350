"""Settings of the reflector."""

from dataclasses import dataclass

from chassis.host_port import HostPort
from chassis.logs import log_level
from chassis.settings import positive, setting, whole_number


def host_ports(text: str) -> tuple[HostPort, ...]:
    """Raises ValueError unless it is addresses with commas between them."""
    return tuple(HostPort.parse_concrete(each) for each in text.split(","))


@dataclass(frozen=True, slots=True, kw_only=True)
class ReflectorConfig:
    """Owns sessions behind a relay, and sends back what their callers send: for load tests."""

    cluster_keys: str = setting(parse=str, help="file with the cluster's keys")
    public: HostPort = setting(
        parse=HostPort.parse_concrete, help="the relay's public address, as callers reach it"
    )
    relays: tuple[HostPort, ...] = setting(
        (),
        parse=host_ports,
        help="tunnel addresses of the relay's workers: HOST:PORT, several with commas between "
        "them; others make themselves known",
    )
    tunnel: HostPort = setting(
        HostPort("127.0.0.1", 0),
        parse=HostPort.parse_concrete,
        help="UDP address that relays reach this process at, 0 any port",
    )
    http: HostPort = setting(
        HostPort("127.0.0.1", 0),
        parse=HostPort.parse,
        help="address at which callers ask for sessions; whoever reaches it may have some",
    )
    max_sessions: int = setting(50_000, parse=positive, help="sessions at once")
    cluster_id: int = setting(0, parse=whole_number(0, 255), help="this cluster's number, 0 to 255")
    log_level: str = setting("info", parse=log_level, help="debug, info, warning or error")
    ready_fd: int | None = setting(
        None, parse=whole_number(0), help="pipe on which to report readiness"
    )
