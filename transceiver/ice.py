"""ICE agent for one single-candidate session: full ICE, usually in the controlled role.

The agent's only candidate is the relay's public address, so it knows a path by
the client's address alone, and learns that address from the client's own checks
(a peer-reflexive candidate), or from its media when a NAT moved it. It sends nothing
to an address that has not first sent it an authenticated check or packet, and no more
than `AmplificationLimit` allows until the address has answered.

Which path is selected
----------------------
The first one heard from is, until another is validated. From then on only a validated
path is, and of those
- the one that the newest media came from: the client demonstrably sends from there.
  The newest is what carries the highest sequence number so far of its source, so packets
  that arrive late from an address the client has left do not call us back to it;
- while the selected path carries no media, in `MEDIA_FRESH_S`, the one the client
  nominates (USE-CANDIDATE). Checks on a path cannot take the media from another that
  the client is speaking on.

A path that the media has left is forgotten at once: the client's next check there, if
it has that address still, opens it again. Others are forgotten when they fall silent.

Hand it messages with `receive` and `media_received`, the time with `tick`, then drain
`take_datagrams`; read `selected`.
"""

import enum
import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from antiphon_proto import stun
from antiphon_proto.address import Address
from transceiver.amplification_limit import AmplificationLimit

MAX_PATHS = 8
"""Client addresses tracked at once; the one heard from least recently makes room."""

MAX_ROAMING = 2
"""Of those, the ones known by media alone."""

MEDIA_FRESH_S = 1.0
"""Media is at most 0.4 s apart, also in DTX silence: after this the client sends none."""

ROAMING_EXPIRY_S = 10.0
"""How long an address known by media alone is kept that neither answers nor sends more."""

# https://www.rfc-editor.org/rfc/rfc7675#section-5.1
CONSENT_INTERVAL_S = 5.0
CONSENT_EXPIRY_S = 30.0

RESERVE_EXPIRY_S = 20.0
"""How long a validated path that is not selected is kept: short of the consent's expiry by
enough to renew it when the path is selected after all. A client's check there renews it."""

# https://www.rfc-editor.org/rfc/rfc8445#section-14.3
RETRANSMISSION_TIMEOUT_S = 0.5
MAX_TRANSMISSIONS = 7

# https://www.rfc-editor.org/rfc/rfc8445#section-5.1.2.1: peer-reflexive, component 1.
PEER_REFLEXIVE_PRIORITY = (110 << 24) | (65535 << 8) | 255

ROLE_CONFLICT = 487
UNKNOWN_ATTRIBUTE = 420


class IceRejection(enum.Enum):
    """Why a STUN message had no effect, or only drew an error response."""

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
    sent_at: float = -math.inf
    transmissions: int = 0


@dataclass(slots=True)
class _Path:
    client: Address
    heard_at: float
    consented_at: float
    """When the client last proved that it wants our packets here."""

    roaming: bool = False
    """Whether media opened it, and it is not validated yet."""
    validated: bool = False
    nominated: bool = False
    check: _Check | None = None
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
        self._media_path: _Path | None = None
        self._media_at = -math.inf
        self._next_due = math.inf
        self._datagrams: list[tuple[bytes, Address]] = []
        self._rtt: float | None = None
        self.revision = 0
        """Changes whenever `bindings` or `known` may have."""
        self.rejections = Counter() if rejections is None else rejections

    @property
    def selected(self) -> Address | None:
        """Where to send DTLS and media, or None until the first authenticated check.

        The first client address is used at once, so that DTLS leaves with the
        response to its check. The module's docstring says which one takes over.
        """
        return self._selected.client if self._selected else None

    @property
    def known(self) -> dict[Address, bool]:
        """The client addresses tracked, and whether our own check to each was answered."""
        return {path.client: path.validated for path in self._paths.values()}

    @property
    def bindings(self) -> dict[Address, bool]:
        """What to claim at the relays, and whether the client confirmed that it is there.

        Not confirmed are addresses that only media came from. One that a check came from
        needs no claim before it is validated: the relay has verified that check itself.
        """
        paths = self._paths.values()
        return {path.client: path.validated for path in paths if path.validated or path.roaming}

    @property
    def rtt(self) -> float | None:
        """Seconds that the latest answered check to the selected address took."""
        return self._rtt

    @property
    def controlling(self) -> bool:
        return self._controlling

    def knows(self, client: Address) -> bool:
        """Whether an authenticated check or packet came from this address: DTLS may too."""
        return client in self._paths

    def expects(self, response: stun.StunMessage, client: Address) -> bool:
        """Whether it may answer a check of ours to this address."""
        path = self._paths.get(client)
        check = path.check if path else None
        return check is not None and check.transaction_id == response.transaction_id

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

    def receive(self, message: stun.StunMessage, size: int, client: Address, now: float) -> None:
        """Handle a STUN message from a datagram of `size` bytes; a bad one is counted."""
        self.credit(size, client)
        if message.method != stun.BINDING:
            self._reject(IceRejection.UNSUPPORTED)
            return
        match message.message_class:
            case stun.StunClass.REQUEST:
                self._receive_request(message, size, client, now)
            case stun.StunClass.SUCCESS | stun.StunClass.ERROR:
                self._receive_response(message, client, now)
            case stun.StunClass.INDICATION:
                pass  # A keepalive: RFC 8445 section 11 gives it no effect.

    def credit(self, size: int, client: Address) -> None:
        """A datagram of `size` bytes came from `client`: as much more may be sent there."""
        path = self._paths.get(client)
        if path is not None:
            path.limit.received(size)

    def spend(self, size: int, client: Address) -> bool:
        """Whether `size` bytes may leave for `client` now; if so, they are taken to have left."""
        path = self._paths.get(client)
        return path is not None and path.limit.spend(size)

    def media_received(self, size: int, client: Address, now: float) -> bool:
        """The newest media of its source, authentic and `size` bytes long, came from `client`.

        Returns whether there are datagrams to send. From an unknown address it opens a path.
        That path's check is repeated only with further media, so whoever sends a stolen
        packet from elsewhere draws one check by it.
        """
        path = self._paths.get(client)
        if path is None:
            path = self._open(client, size, now, roaming=True)
        elif not path.validated:
            path.limit.received(size)
        path.heard_at = now
        self._media_path, self._media_at = path, now
        if path is self._selected:
            return False
        if path.validated:
            self._follow_media(path, now)
        else:
            self._probe(path, now)
        self._schedule()
        return bool(self._datagrams)

    def tick(self, now: float) -> None:
        """Send the checks that are due; forget the paths that fell silent."""
        if now < self._next_due:
            return
        for path in list(self._paths.values()):
            if path is not self._selected and now > path.expires_at:
                self._forget(path)
            elif now >= path.next_check_at:
                self._send_due_check(path, now)
        self._schedule()

    def _reject(self, reason: IceRejection) -> None:
        self.rejections[reason] += 1

    # Requests: https://www.rfc-editor.org/rfc/rfc8445#section-7.3

    def _receive_request(
        self, request: stun.StunMessage, size: int, client: Address, now: float
    ) -> None:
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
            path = self._paths.get(client) or self._open(client, size, now)
            self._accept_request(request, path, now)
            self._schedule()

    def _accept_request(self, request: stun.StunMessage, path: _Path, now: float) -> None:
        response = stun.binding_success(
            request.transaction_id, mapped=path.client, password=self._local_password
        )
        self._send(response, path)
        path.heard_at = now
        if request.use_candidate and not self._controlling:
            path.nominated = True
        self._follow_nomination(path, now)
        self._probe(path, now)

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

    # Paths

    def _open(self, client: Address, size: int, now: float, *, roaming: bool = False) -> _Path:
        """Track the address that the first datagram, of `size` bytes, came from."""
        self._make_room(roaming=roaming)
        path = _Path(client, heard_at=now, consented_at=now, roaming=roaming)
        path.limit.received(size)
        self._paths[client] = path
        if self._selected is None:
            self._selected = path
        self.revision += 1
        return path

    def _make_room(self, *, roaming: bool) -> None:
        """Forget the path heard from least recently, of those that proved least."""
        others = [path for path in self._paths.values() if path is not self._selected]
        roamed = [path for path in others if path.roaming]
        if roaming and len(roamed) >= MAX_ROAMING:
            self._forget(min(roamed, key=lambda path: path.heard_at))
        elif len(self._paths) >= MAX_PATHS:
            self._forget(min(others, key=lambda path: (path.validated, path.heard_at)))

    def _forget(self, path: _Path) -> None:
        del self._paths[path.client]
        self.revision += 1

    def _follow_nomination(self, path: _Path, now: float) -> None:
        if not path.validated or path is self._selected:
            return
        current = self._selected
        if current is None or not current.validated:
            self._select(path, now)
        elif path.nominated:
            speaking = current is self._media_path and now - self._media_at < MEDIA_FRESH_S
            if speaking:
                path.nominated = False
            else:
                self._select(path, now)

    def _follow_media(self, path: _Path, now: float) -> None:
        left = self._selected
        self._select(path, now)
        if left is not None:
            self._forget(left)

    def _select(self, path: _Path, now: float) -> None:
        if self._selected is not None:
            self._selected.nominated = False
            self._selected.next_check_at = math.inf
        self._selected = path
        if path.check is None and path.is_stale(now):
            self._send_check(path, now)
        elif path.check is None:
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
        self._validate(path)
        if check.controlling and check.use_candidate:
            path.nominated = True
        if path is self._media_path and path is not self._selected:
            self._follow_media(path, now)
        self._follow_nomination(path, now)
        # A response to a retransmitted check may belong to either transmission.
        if path is self._selected and check.transmissions == 1:
            self._rtt = now - check.sent_at
        if self._controlling and not path.nominated:
            self._send_check(path, now)
        elif path is self._selected:
            path.next_check_at = now + self._consent_interval()

    def _validate(self, path: _Path) -> None:
        if not path.validated:
            path.validated = True
            path.roaming = False
            path.limit.lift()
            self.revision += 1

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

    def _probe(self, path: _Path, now: float) -> None:
        """The client spoke on it: validate it, or renew the consent of one in reserve."""
        check = path.check
        if check is None:
            if not path.validated or (path is not self._selected and path.is_stale(now)):
                self._send_check(path, now)
        elif path.roaming and now - check.sent_at >= RETRANSMISSION_TIMEOUT_S:
            self._transmit(check, path, now)

    def _send_due_check(self, path: _Path, now: float) -> None:
        check = path.check
        if path.validated or check is None:
            # Each consent check is a transaction of its own (RFC 7675 section 5.1).
            self._send_check(path, now)
        elif check.transmissions < MAX_TRANSMISSIONS:
            self._transmit(check, path, now)
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
        path.check = _Check(transaction_id, datagram, self._controlling, use_candidate)
        self._transmit(path.check, path, now)

    def _transmit(self, check: _Check, path: _Path, now: float) -> None:
        """Send the check, if so much may leave, and plan what follows when it is not answered."""
        if self._send(check.datagram, path):
            check.transmissions += 1
            check.sent_at = now
        if path.validated:
            path.next_check_at = now + self._consent_interval()
        elif path.roaming:
            path.next_check_at = math.inf
        else:
            pause = RETRANSMISSION_TIMEOUT_S * 2 ** max(0, check.transmissions - 1)
            path.next_check_at = now + pause

    def _send(self, datagram: bytes, path: _Path) -> bool:
        """Whether the path's limit let it leave."""
        if not path.limit.spend(len(datagram)):
            return False
        self._datagrams.append((datagram, path.client))
        return True

    def _consent_interval(self) -> float:
        """5 s, randomised by 20 % either way."""
        return CONSENT_INTERVAL_S * (0.8 + 0.4 * self._random_bytes(1)[0] / 255)

    def _schedule(self) -> None:
        self._next_due = min(
            path.next_check_at
            if path is self._selected
            else min(path.next_check_at, path.expires_at)
            for path in self._paths.values()
        )
