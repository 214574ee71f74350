"""ICE agent for one single-candidate session: full ICE, usually in the controlled role.

The agent's only candidate is the relay's public address, so it knows a path by
the client's address alone, and learns that address from the client's own checks
(a peer-reflexive candidate). It sends nothing to an address that has not first
sent it an authenticated check.

Hand it datagrams with `receive`, the time with `tick`, then drain
`take_datagrams`; read `selected`.
"""

import enum
import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from antiphon_proto import stun
from antiphon_proto.address import Address

MAX_PATHS = 8
"""Client addresses tracked at once; the one heard from least recently makes room."""

# https://www.rfc-editor.org/rfc/rfc7675#section-5.1
CONSENT_INTERVAL_S = 5.0
CONSENT_EXPIRY_S = 30.0

# https://www.rfc-editor.org/rfc/rfc8445#section-14.3
RETRANSMISSION_TIMEOUT_S = 0.5
MAX_TRANSMISSIONS = 7

# https://www.rfc-editor.org/rfc/rfc8445#section-5.1.2.1: peer-reflexive, component 1.
PEER_REFLEXIVE_PRIORITY = (110 << 24) | (65535 << 8) | 255

ROLE_CONFLICT = 487
UNKNOWN_ATTRIBUTE = 420


class IceRejection(enum.Enum):
    """Why a STUN datagram had no effect, or only drew an error response."""

    MALFORMED = "malformed"
    UNAUTHENTICATED = "unauthenticated"
    UNKNOWN_ATTRIBUTE = "unknown_attribute"
    ROLE_CONFLICT = "role_conflict"
    UNEXPECTED_RESPONSE = "unexpected_response"
    FAILED_CHECK = "failed_check"
    UNSUPPORTED = "unsupported"


@dataclass(frozen=True, slots=True)
class IceCredentials:
    """A username fragment and its password."""

    ufrag: str = field(repr=False)
    password: str = field(repr=False)


@dataclass(slots=True)
class _Check:
    """A connectivity or consent check that waits for its response."""

    transaction_id: bytes
    datagram: bytes
    controlling: bool
    use_candidate: bool
    sent_at: float
    transmissions: int = 1


@dataclass(slots=True)
class _Path:
    client: Address
    heard_at: float
    consented_at: float
    """When the client last proved that it wants our packets here."""

    validated: bool = False
    nominated: bool = False
    check: _Check | None = None
    next_check_at: float = math.inf


class IceAgent:
    """Answers and sends connectivity checks; knows where to send media and for how long.

    `random_bytes(n)` gives n unpredictable bytes; `rejections` may be shared by agents.
    The agent starts controlled, as the answerer to a full agent does; a role conflict
    may make it controlling.
    """

    def __init__(
        self,
        local: IceCredentials,
        remote: IceCredentials,
        *,
        random_bytes: Callable[[int], bytes],
        rejections: Counter[IceRejection] | None = None,
    ) -> None:
        self._local_ufrag = local.ufrag.encode()
        self._local_password = local.password.encode()
        self._check_username = f"{remote.ufrag}:{local.ufrag}".encode()
        self._remote_password = remote.password.encode()
        self._random_bytes = random_bytes
        self._tie_breaker = int.from_bytes(random_bytes(8), "big")
        self._controlling = False
        self._paths: dict[Address, _Path] = {}
        self._selected: _Path | None = None
        self._next_due = math.inf
        self._datagrams: list[tuple[bytes, Address]] = []
        self._rtt: float | None = None
        self.rejections = Counter() if rejections is None else rejections

    @property
    def selected(self) -> Address | None:
        """Where to send DTLS and media, or None until the first authenticated check.

        The first client address is used at once, so that DTLS leaves with the
        response to its check. A later one takes over when it is nominated and our
        own check to it was answered.
        """
        return self._selected.client if self._selected else None

    @property
    def validated(self) -> list[Address]:
        """The client addresses from which our own checks were answered."""
        return [path.client for path in self._paths.values() if path.validated]

    @property
    def rtt(self) -> float | None:
        """Seconds that the latest answered check to the selected address took."""
        return self._rtt

    @property
    def controlling(self) -> bool:
        return self._controlling

    def knows(self, client: Address) -> bool:
        """Whether an authenticated check has come from this address: DTLS may too."""
        return client in self._paths

    def consent_lost(self, now: float) -> bool:
        """Whether the client's consent to receive has expired (RFC 7675).

        False before the first authenticated check: how long to wait for that one
        is the session's decision.
        """
        return self._selected is not None and now - self._selected.consented_at > CONSENT_EXPIRY_S

    def take_datagrams(self) -> list[tuple[bytes, Address]]:
        """Hand over the datagrams to send since the last call."""
        taken, self._datagrams = self._datagrams, []
        return taken

    def receive(self, datagram: bytes, client: Address, now: float) -> None:
        """Handle one STUN datagram from a client; a bad one is counted in `rejections`."""
        try:
            message = stun.parse(datagram)
        except stun.StunError:
            self._reject(IceRejection.MALFORMED)
            return
        if message.method != stun.BINDING:
            self._reject(IceRejection.UNSUPPORTED)
            return
        match message.message_class:
            case stun.StunClass.REQUEST:
                self._receive_request(message, client, now)
            case stun.StunClass.SUCCESS | stun.StunClass.ERROR:
                self._receive_response(message, client, now)
            case stun.StunClass.INDICATION:
                pass  # A keepalive: RFC 8445 section 11 gives it no effect.

    def tick(self, now: float) -> None:
        """Send the checks that are due."""
        if now < self._next_due:
            return
        for path in self._paths.values():
            if now >= path.next_check_at:
                self._send_due_check(path, now)
        self._schedule()

    def _reject(self, reason: IceRejection) -> None:
        self.rejections[reason] += 1

    # Requests: https://www.rfc-editor.org/rfc/rfc8445#section-7.3

    def _receive_request(self, request: stun.StunMessage, client: Address, now: float) -> None:
        # No error response tells a stranger that a session lives here.
        if request.local_ufrag != self._local_ufrag or not request.verify(self._local_password):
            self._reject(IceRejection.UNAUTHENTICATED)
        elif request.unknown_required:
            self._reject(IceRejection.UNKNOWN_ATTRIBUTE)
            unknown = request.unknown_required
            self._respond_error(request, client, UNKNOWN_ATTRIBUTE, "Unknown Attribute", unknown)
        elif not self._settle_role(request):
            self._reject(IceRejection.ROLE_CONFLICT)
            self._respond_error(request, client, ROLE_CONFLICT, "Role Conflict")
        else:
            self._accept_request(request, client, now)
            self._schedule()

    def _accept_request(self, request: stun.StunMessage, client: Address, now: float) -> None:
        response = stun.binding_success(
            request.transaction_id, mapped=client, password=self._local_password
        )
        self._datagrams.append((response, client))
        path = self._heard_from(client, now)
        if request.use_candidate and not self._controlling:
            path.nominated = True
        self._follow_nomination(path, now)
        if not path.validated and path.check is None:
            self._send_check(path, now)

    def _settle_role(self, request: stun.StunMessage) -> bool:
        """Compare roles (RFC 8445 section 7.3.1.1); False asks for a 487 response."""
        claimed = request.ice_controlling if self._controlling else request.ice_controlled
        if claimed is None:
            return True
        if (self._tie_breaker >= claimed) == self._controlling:
            return False
        self._controlling = not self._controlling
        return True

    def _respond_error(
        self,
        request: stun.StunMessage,
        client: Address,
        code: int,
        reason: str,
        unknown: tuple[int, ...] = (),
    ) -> None:
        response = stun.binding_error(
            request.transaction_id,
            code=code,
            reason=reason,
            password=self._local_password,
            unknown_attributes=unknown,
        )
        self._datagrams.append((response, client))

    def _heard_from(self, client: Address, now: float) -> _Path:
        path = self._paths.get(client)
        if path is None:
            self._make_room()
            path = self._paths[client] = _Path(client, heard_at=now, consented_at=now)
        path.heard_at = now
        if self._selected is None:
            self._selected = path
        return path

    def _make_room(self) -> None:
        if len(self._paths) < MAX_PATHS:
            return
        others = [path for path in self._paths.values() if path is not self._selected]
        del self._paths[min(others, key=lambda path: path.heard_at).client]

    def _follow_nomination(self, path: _Path, now: float) -> None:
        if path is self._selected or not (path.nominated and path.validated):
            return
        if self._selected is not None:
            self._selected.nominated = False
            self._selected.next_check_at = math.inf
        self._selected = path
        path.next_check_at = now + self._consent_interval()

    # Responses: https://www.rfc-editor.org/rfc/rfc8445#section-7.2.5

    def _receive_response(self, response: stun.StunMessage, client: Address, now: float) -> None:
        path = self._paths.get(client)
        check = path.check if path else None
        if path is None or check is None or response.transaction_id != check.transaction_id:
            self._reject(IceRejection.UNEXPECTED_RESPONSE)
            return
        if not response.verify(self._remote_password):
            self._reject(IceRejection.UNAUTHENTICATED)
            return
        path.check = None
        if response.message_class is stun.StunClass.SUCCESS:
            self._check_succeeded(path, check, now)
        else:
            self._check_failed(path, check, response.error_code, now)
        self._schedule()

    def _check_succeeded(self, path: _Path, check: _Check, now: float) -> None:
        path.consented_at = now
        path.next_check_at = math.inf
        path.validated = True
        if check.controlling and check.use_candidate:
            path.nominated = True
        self._follow_nomination(path, now)
        # A response to a retransmitted check may belong to either transmission.
        if path is self._selected and check.transmissions == 1:
            self._rtt = now - check.sent_at
        if self._controlling and not path.nominated:
            self._send_check(path, now)
        elif path is self._selected:
            path.next_check_at = now + self._consent_interval()

    def _check_failed(self, path: _Path, check: _Check, code: int | None, now: float) -> None:
        self._reject(IceRejection.FAILED_CHECK)
        path.next_check_at = math.inf
        if code == ROLE_CONFLICT:
            # https://www.rfc-editor.org/rfc/rfc8445#section-7.2.5.1
            if self._controlling == check.controlling:
                self._controlling = not self._controlling
            self._send_check(path, now)
        elif path is self._selected:
            path.next_check_at = now + self._consent_interval()

    # Our own checks: https://www.rfc-editor.org/rfc/rfc8445#section-7.2.4

    def _send_due_check(self, path: _Path, now: float) -> None:
        check = path.check
        if path.validated or check is None:
            # Each consent check is a transaction of its own (RFC 7675 section 5.1).
            self._send_check(path, now)
        elif check.transmissions < MAX_TRANSMISSIONS:
            check.transmissions += 1
            self._datagrams.append((check.datagram, path.client))
            path.next_check_at = now + RETRANSMISSION_TIMEOUT_S * 2 ** (check.transmissions - 1)
        else:
            path.check = None
            path.next_check_at = math.inf

    def _send_check(self, path: _Path, now: float) -> None:
        transaction_id = self._random_bytes(12)
        use_candidate = self._controlling and path.validated
        datagram = stun.binding_request(
            transaction_id,
            username=self._check_username,
            password=self._remote_password,
            priority=PEER_REFLEXIVE_PRIORITY,
            tie_breaker=self._tie_breaker,
            controlling=self._controlling,
            use_candidate=use_candidate,
        )
        path.check = _Check(transaction_id, datagram, self._controlling, use_candidate, now)
        path.next_check_at = now + (
            self._consent_interval() if path.validated else RETRANSMISSION_TIMEOUT_S
        )
        self._datagrams.append((datagram, path.client))

    def _consent_interval(self) -> float:
        """5 s, randomised by 20 % either way."""
        return CONSENT_INTERVAL_S * (0.8 + 0.4 * self._random_bytes(1)[0] / 255)

    def _schedule(self) -> None:
        self._next_due = min(path.next_check_at for path in self._paths.values())
