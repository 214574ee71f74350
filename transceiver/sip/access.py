"""Who may call, and whom and what calls go to: what the operator's two files say."""

from dataclasses import dataclass, field
from ipaddress import ip_address

from transceiver.signaling.api_keys import KeyLimits
from transceiver.sip.gatekeeper import Caller
from transceiver.sip.phone_credentials import PhoneCredentials
from transceiver.sip.sip_config import SipConfig
from transceiver.sip.trunk import Trunk


@dataclass(frozen=True, slots=True)
class SipAccess:
    """Of one moment: see `CurrentAccess`."""

    config: SipConfig = field(default_factory=SipConfig)
    credentials: PhoneCredentials = field(default_factory=PhoneCredentials)

    def trunk(self, name: str) -> Trunk | None:
        return next((trunk for trunk in self.config.trunks if trunk.name == name), None)

    def trunk_at(self, host: str) -> Trunk | None:
        """The first one whose networks cover the IP address."""
        address = ip_address(host)
        return next((trunk for trunk in self.config.trunks if trunk.covers(address)), None)

    def trunk_of(self, user: str) -> Trunk | None:
        """The one that proves to be this user."""
        return next((trunk for trunk in self.config.trunks if trunk.user == user), None)

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
