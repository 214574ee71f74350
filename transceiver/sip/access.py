"""Who may call, and whom and what calls go to: what the operator's two files say."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network

from sipmessage import URI

from transceiver.signaling.api_keys import KeyLimits
from transceiver.sip.gatekeeper import Caller
from transceiver.sip.ip_host import ip_host
from transceiver.sip.phone_credentials import PhoneCredentials
from transceiver.sip.sip_config import SipConfig
from transceiver.sip.trunk import Trunk


@dataclass(frozen=True, slots=True)
class SipAccess:
    """Of one moment: see `CurrentAccess`."""

    config: SipConfig = field(default_factory=SipConfig)
    credentials: PhoneCredentials = field(default_factory=PhoneCredentials)

    @property
    def is_nobodys(self) -> bool:
        """Whether there is nobody who could call."""
        return not self.config.trunks and not len(self.credentials)

    @property
    def faults(self) -> tuple[str, ...]:
        """Why a trunk cannot prove who it is: one line each."""
        return tuple(
            f"--sip-config: trunk {trunk.name}: its user is not in --sip-credentials"
            for trunk in self.config.trunks
            if trunk.user is not None and trunk.user not in self.credentials
        )

    def trunk(self, name: str) -> Trunk | None:
        return next((trunk for trunk in self.config.trunks if trunk.name == name), None)

    def trunk_at(self, host: str) -> Trunk | None:
        """The first one whose networks cover the IP address; none covers a name."""
        return next((trunk for trunk in self.config.trunks if _covers(trunk.networks, host)), None)

    def leads_to(self, host: str) -> bool:
        """Whether a trunk is at a host, an IP address or a name as in URIs."""
        called = [URI.parse(trunk.uri) for trunk in self.config.trunks if trunk.uri is not None]
        if host.lower() in [uri.host.lower() for uri in called]:
            return True
        return self.trunk_at(host) is not None

    def trunk_of(self, user: str) -> Trunk | None:
        """The one that proves to be this user."""
        return next((trunk for trunk in self.config.trunks if trunk.user == user), None)

    def fits(self, trunk: Trunk, host: str) -> bool:
        """Whether requests of a trunk that proves who it is may come from there."""
        return not trunk.networks or _covers(trunk.networks, host)

    def phones_may_be_at(self, host: str) -> bool:
        """Whether there are phones, and may be some at the IP address."""
        networks = self.config.phones.networks
        return len(self.credentials) > 0 and (not networks or _covers(networks, host))

    def is_phones_domain(self, host: str) -> bool:
        """Whether phones call us so."""
        domains = self.config.phones.domains
        return not domains or host.lower() in domains

    def is_phone(self, user: str) -> bool:
        """Whether somebody may register as this user."""
        return user in self.credentials and self.trunk_of(user) is None

    def limits(self, caller: Caller) -> KeyLimits:
        """What the calls of a trunk, or of one phone, may use of one worker."""
        if not caller.is_trunk:
            return self.config.phones.limits
        trunk = self.trunk(caller.name)
        return trunk.limits if trunk else KeyLimits()


class CurrentAccess:
    """What the files say at the moment."""

    def __init__(self, access: SipAccess) -> None:
        self.now = access
        self._told: list[Callable[[SipAccess], None]] = []

    def on_change(self, tell: Callable[[SipAccess], None]) -> None:
        """Have `tell` called whenever it changes."""
        self._told.append(tell)

    def become(self, access: SipAccess) -> None:
        self.now = access
        for tell in self._told:
            tell(access)


def _covers(networks: Iterable[IPv4Network | IPv6Network], host: str) -> bool:
    address = ip_host(host)
    return address is not None and any(address in network for network in networks)
