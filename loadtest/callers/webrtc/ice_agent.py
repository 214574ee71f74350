"""ICE's controlling agent, for a caller with one address at a time.

It checks all of the server's candidates, nominates the first that answers, and from then on
checks that one for consent. https://www.rfc-editor.org/rfc/rfc8445,
https://www.rfc-editor.org/rfc/rfc7675
"""

import random
from dataclasses import dataclass

from loadtest.callers import stun_message
from loadtest.callers.address import Address
from loadtest.callers.stun_message import StunError, StunMessage
from loadtest.callers.webrtc.session_description import LocalDescription, RemoteDescription

FIRST_RETRANSMISSION_S, LAST_RETRANSMISSION_S = 0.25, 2.0
CONSENT_CHECK_S = 5.0
"""https://www.rfc-editor.org/rfc/rfc7675#section-5.1"""
CONSENT_S = 30.0
"""After so long without an answer consent is lost."""
MOST_OUTSTANDING = 16
"""Checks whose answers are waited for; older ones are given up."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A datagram, and whom it is for."""

    datagram: bytes
    to: Address


class IceAgent:
    """Give it the STUN that comes; send what `due` and `receive` hand out."""

    def __init__(
        self, local: LocalDescription, remote: RemoteDescription, chance: random.Random
    ) -> None:
        self.selected: Address | None = None
        """The server's address that media goes to."""
        self.began_at: float | None = None
        """When the first check was sent."""
        self.selected_at = 0.0
        self.heard_at = 0.0
        """When the last check was answered."""
        self.unauthenticated = 0
        """STUN that was not from who knows the password."""
        self._chance = chance
        self._username = remote.ufrag + b":" + local.ufrag.encode()
        self._remote_password = remote.password
        self._local_password = local.password.encode()
        self._local_username = f"{local.ufrag}:".encode()
        self._candidates = remote.addresses
        self._tie_breaker = chance.getrandbits(64)
        self._outstanding: dict[bytes, tuple[Address, float]] = {}
        """When each check left, by its transaction."""
        self._interval_s = FIRST_RETRANSMISSION_S
        self._next_check_at = 0.0
        self._round_trips: list[float] = []

    def due(self, now: float) -> list[Sent]:
        """Checks that are to be sent by now."""
        if now < self._next_check_at:
            return []
        if self.selected is not None:
            # "randomized between 0.8 and 1.2 times": RFC 7675, as above.
            self._next_check_at = now + CONSENT_CHECK_S * self._chance.uniform(0.8, 1.2)
            return [self._check(self.selected, now)]
        self.began_at = now if self.began_at is None else self.began_at
        self._next_check_at = now + self._interval_s
        self._interval_s = min(2 * self._interval_s, LAST_RETRANSMISSION_S)
        return [self._check(address, now) for address in self._candidates]

    def check_soon(self) -> None:
        """Check with the next `due`: our address is another one."""
        self._next_check_at = 0.0

    def consents(self, now: float) -> bool:
        """Whether the server still wants to be sent to."""
        return self.selected is None or now - self.heard_at < CONSENT_S

    def receive(self, datagram: bytes, source: Address, now: float) -> Sent | None:
        """Take a STUN message that came from there at `now`; the answer, if it asks for one."""
        try:
            message = stun_message.parse(datagram)
        except StunError:
            self.unauthenticated += 1
            return None
        if message.message_type == stun_message.BINDING_REQUEST:
            return self._answer(message, source)
        if message.message_type == stun_message.BINDING_SUCCESS:
            self._answered(message, now)
        return None

    def take_round_trips(self) -> list[float]:
        """Of the checks that were answered since the last time, in seconds."""
        taken, self._round_trips = self._round_trips, []
        return taken

    def _check(self, address: Address, now: float) -> Sent:
        transaction = self._chance.randbytes(stun_message.TRANSACTION_BYTES)
        self._outstanding[transaction] = address, now
        while len(self._outstanding) > MOST_OUTSTANDING:
            del self._outstanding[next(iter(self._outstanding))]
        request = stun_message.binding_request(
            transaction,
            username=self._username,
            password=self._remote_password,
            tie_breaker=self._tie_breaker,
        )
        return Sent(request, address)

    def _answer(self, message: StunMessage, source: Address) -> Sent | None:
        username = message.username or b""
        if not username.startswith(self._local_username) or not message.verify(
            self._local_password
        ):
            self.unauthenticated += 1
            return None
        answer = stun_message.binding_success(
            message.transaction_id, mapped=source, password=self._local_password
        )
        return Sent(answer, source)

    def _answered(self, message: StunMessage, now: float) -> None:
        if not message.verify(self._remote_password):
            self.unauthenticated += 1
            return
        address, sent_at = self._outstanding.pop(message.transaction_id, (None, 0.0))
        if address is None:
            return
        self.heard_at = now
        self._round_trips.append(max(now - sent_at, 0.0))
        if self.selected is None:
            self.selected, self.selected_at = address, now
            self._next_check_at = now + CONSENT_CHECK_S * self._chance.uniform(0.8, 1.2)
