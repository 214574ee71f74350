"""A client's address, and what is known of it."""

import math
from dataclasses import dataclass, field

from antiphon_proto.address import Address
from transceiver.amplification_limit import AmplificationLimit

ROAMING_EXPIRY_S = 10.0
"""How long an address known by media alone is kept that neither answers nor sends more."""

# https://www.rfc-editor.org/rfc/rfc7675#section-5.1
CONSENT_INTERVAL_S = 5.0
CONSENT_EXPIRY_S = 30.0

RESERVE_EXPIRY_S = 20.0
"""How long a validated path that is not selected is kept: short of the consent's expiry by
enough to renew it when the path is selected after all. A client's check there renews it."""


@dataclass(slots=True)
class Check:
    """A connectivity or consent check that waits for its response."""

    transaction_id: bytes
    datagram: bytes
    controlling: bool
    use_candidate: bool
    sent_at: float = -math.inf
    transmissions: int = 0


@dataclass(eq=False, slots=True)
class Path:
    """The way between our one candidate and a client's address, in one ICE session."""

    client: Address
    heard_at: float
    consented_at: float
    """When the client last proved that it wants our packets here."""

    roaming: bool = False
    """Whether media opened it, and it is not validated yet."""
    signalled: bool = False
    """Whether it is a candidate of the client's, and not validated yet."""
    validated: bool = False
    nominated: bool = False
    check: Check | None = None
    next_check_at: float = math.inf
    limit: AmplificationLimit = field(default_factory=AmplificationLimit)

    @property
    def expires_at(self) -> float:
        """When it is forgotten, unless it is selected."""
        if self.validated:
            return self.consented_at + RESERVE_EXPIRY_S
        return self.heard_at + (ROAMING_EXPIRY_S if self.roaming else CONSENT_EXPIRY_S)

    def is_stale(self, now: float) -> bool:
        """Whether the client's consent is due to be renewed."""
        return now - self.consented_at >= CONSENT_INTERVAL_S

    def consent_lost(self, now: float) -> bool:
        return now - self.consented_at > CONSENT_EXPIRY_S

    def validate(self) -> bool:
        """The client answered from here; False when it had before."""
        if self.validated:
            return False
        self.validated = True
        self.roaming = self.signalled = False
        self.limit.lift()
        return True
