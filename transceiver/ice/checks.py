"""The checks that we send: what they say, and when they are repeated.

https://www.rfc-editor.org/rfc/rfc8445#section-7.2.4
"""

import math
from collections.abc import Callable

from antiphon_proto import stun
from antiphon_proto.address import Address
from transceiver.ice.credentials import IceCredentials
from transceiver.ice.path import CONSENT_INTERVAL_S, Check, Path
from transceiver.ice.role import IceRole

# https://www.rfc-editor.org/rfc/rfc8445#section-14.3
RETRANSMISSION_TIMEOUT_S = 0.5
MAX_TRANSMISSIONS = 7

# https://www.rfc-editor.org/rfc/rfc8445#section-5.1.2.1: peer-reflexive, component 1.
PEER_REFLEXIVE_PRIORITY = (110 << 24) | (65535 << 8) | 255

Send = Callable[[bytes, Address], None]


class IceChecks:
    """Sends one session's checks, each path's within what its limit allows."""

    def __init__(
        self,
        local: IceCredentials,
        remote: IceCredentials,
        role: IceRole,
        *,
        random_bytes: Callable[[int], bytes],
        send: Send,
    ) -> None:
        self._username = f"{remote.ufrag}:{local.ufrag}".encode()
        self._password = remote.password.encode()
        self._role = role
        self._random_bytes = random_bytes
        self._send = send

    def probe(self, path: Path, now: float, *, reserve: bool) -> None:
        """The client spoke on it: validate it, or renew the consent of one in reserve."""
        check = path.check
        if check is None:
            if not path.validated or (reserve and path.is_stale(now)):
                self.start(path, now)
        elif path.roaming and now - check.sent_at >= RETRANSMISSION_TIMEOUT_S:
            self._transmit(check, path, now)

    def repeat(self, path: Path, now: float) -> None:
        """Send the check that is due."""
        check = path.check
        if path.validated or check is None:
            # Each consent check is a transaction of its own (RFC 7675 section 5.1).
            self.start(path, now)
        elif check.transmissions < MAX_TRANSMISSIONS:
            self._transmit(check, path, now)
        else:
            path.check = None
            path.next_check_at = math.inf

    def start(self, path: Path, now: float) -> None:
        """Send a check in a transaction of its own; it nominates when that is ours to do."""
        transaction_id = self._random_bytes(12)
        use_candidate = self._role.controlling and path.validated
        datagram = stun.binding_request(
            transaction_id,
            username=self._username,
            password=self._password,
            priority=PEER_REFLEXIVE_PRIORITY,
            tie_breaker=self._role.tie_breaker,
            controlling=self._role.controlling,
            use_candidate=use_candidate,
        )
        path.check = Check(transaction_id, datagram, self._role.controlling, use_candidate)
        self._transmit(path.check, path, now)

    def next_consent(self, now: float) -> float:
        """When to ask again: in 5 s, randomised by 20 % either way."""
        return now + CONSENT_INTERVAL_S * (0.8 + 0.4 * self._random_bytes(1)[0] / 255)

    def _transmit(self, check: Check, path: Path, now: float) -> None:
        """Send the check, if so much may leave, and plan what follows when it is not answered."""
        if path.limit.spend(len(check.datagram)):
            self._send(check.datagram, path.client)
            check.transmissions += 1
            check.sent_at = now
        if path.validated:
            path.next_check_at = self.next_consent(now)
        elif path.roaming:
            path.next_check_at = math.inf
        else:
            pause = RETRANSMISSION_TIMEOUT_S * 2 ** max(0, check.transmissions - 1)
            path.next_check_at = now + pause
