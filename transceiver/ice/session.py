"""One ICE session: the paths to a client under one pair of credentials, and the one selected.

Our only candidate is the relay's public address, so a path is known by the client's
address alone, which is learned from the client's own checks (a peer-reflexive candidate),
or from its media when a NAT moved it. Nothing is sent to an address that has not first
sent an authenticated check or packet, and no more than `AmplificationLimit` allows until
the address has answered. But a lite agent sends no checks: its candidates are then given, and
get a few of ours (https://www.rfc-editor.org/rfc/rfc8445#section-6.1.4).

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
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable

from antiphon_proto import stun
from antiphon_proto.address import Address
from transceiver.ice.checks import IceChecks, Send
from transceiver.ice.credentials import IceCredentials
from transceiver.ice.path import Check, Path
from transceiver.ice.path_table import PathTable
from transceiver.ice.rejection import IceRejection
from transceiver.ice.responder import IceResponder
from transceiver.ice.role import ROLE_CONFLICT, IceRole

CHECKS_BYTES = 400
"""What a candidate that nothing came from is credited with: all the transmissions of a check."""

MEDIA_FRESH_S = 1.0
"""Media is at most 0.4 s apart, also in DTX silence: after this the client sends none."""


class IceSession:
    """Answers and sends connectivity checks; knows where to send media and for how long.

    `send` takes a datagram and the address it is for; `changed` is called whenever the
    paths, or what is known of them, changed.
    """

    def __init__(
        self,
        local: IceCredentials,
        remote: IceCredentials,
        *,
        role: IceRole,
        random_bytes: Callable[[int], bytes],
        send: Send,
        changed: Callable[[], None],
        rejections: Counter[IceRejection],
        candidates: tuple[Address, ...] = (),
    ) -> None:
        """`candidates` are those of a lite agent, the most wanted first."""
        self.local = local
        self.remote = remote
        self.rtt: float | None = None
        """Seconds that the latest answered check to the selected address took."""
        self._remote_password = remote.password.encode()
        self._role = role
        self._changed = changed
        self._rejections = rejections
        self._responder = IceResponder(local, role, send=send, rejections=rejections)
        self.ufrag = self._responder.ufrag
        self._checks = IceChecks(local, remote, role, random_bytes=random_bytes, send=send)
        self._paths = PathTable(changed)
        self._selected: Path | None = None
        self._media_path: Path | None = None
        self._media_at = -math.inf
        self.candidates = candidates
        """That are still to be checked."""
        self._next_due = -math.inf if candidates else math.inf

    @property
    def selected(self) -> Address | None:
        """Where to send DTLS and media, or None until the first authenticated check."""
        return self._selected.client if self._selected else None

    @property
    def validated(self) -> bool:
        """Whether the selected address has answered a check: once it has, every next one has."""
        return self._selected is not None and self._selected.validated

    @property
    def concluded(self) -> bool:
        """Whether the client has settled on the selected path: nominated it, or speaks on it."""
        path = self._selected
        return self.validated and path is not None and (path.nominated or path is self._media_path)

    @property
    def paths(self) -> Iterable[Path]:
        return self._paths

    def knows(self, client: Address) -> bool:
        """Whether an authenticated check or packet came from this address, or may answer ours."""
        return client in self._paths or client in self.candidates

    def expects(self, response: stun.StunMessage, client: Address) -> bool:
        """Whether it may answer a check of ours to this address."""
        path = self._paths.at(client)
        check = path.check if path else None
        return check is not None and check.transaction_id == response.transaction_id

    def consent_lost(self, now: float) -> bool:
        """Whether the client's consent to receive has expired (RFC 7675).

        False before the first authenticated check: how long to wait for that one
        is the call's decision.
        """
        return self._selected is not None and self._selected.consent_lost(now)

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
        path = self._paths.at(client)
        if path is not None:
            path.limit.received(size)

    def spend(self, size: int, client: Address) -> bool:
        """Whether `size` bytes may leave for `client` now; if so, they are taken to have left."""
        path = self._paths.at(client)
        return path is not None and path.limit.spend(size)

    def media_received(self, size: int, client: Address, now: float) -> None:
        """The newest media of its source, authentic and `size` bytes long, came from `client`.

        From an unknown address it opens a path. That path's check is repeated only with
        further media, so whoever sends a stolen packet from elsewhere draws one check by it.
        """
        path = self._paths.at(client)
        if path is None:
            path = self._open(client, size, now, roaming=True)
        elif not path.validated:
            path.limit.received(size)
        path.heard_at = now
        self._media_path, self._media_at = path, now
        if path is self._selected:
            return
        if path.validated:
            self._follow_media(path, now)
        else:
            self._probe(path, now)
        self._schedule()

    def tick(self, now: float) -> None:
        """Send the checks that are due; forget the paths that fell silent."""
        if now < self._next_due:
            return
        self._check_candidates(now)
        for path in self._paths:
            if path is not self._selected and now > path.expires_at:
                self._paths.forget(path)
            elif now >= path.next_check_at:
                self._checks.repeat(path, now)
        self._schedule()

    def _reject(self, reason: IceRejection) -> None:
        self._rejections[reason] += 1

    def _receive_request(
        self, request: stun.StunMessage, size: int, client: Address, now: float
    ) -> None:
        if not self._responder.admits(request, client):
            return
        path = self._paths.at(client) or self._open(client, size, now)
        self._responder.confirm(request, path)
        path.heard_at = now
        if request.use_candidate and not self._role.controlling:
            path.nominated = True
        self._follow_nomination(path, now)
        self._probe(path, now)
        self._schedule()

    # Paths

    def _open(self, client: Address, size: int, now: float, *, roaming: bool = False) -> Path:
        path = self._paths.open(client, size, now, roaming=roaming, keep=self._selected)
        if self._selected is None:
            self._selected = path
        return path

    def _check_candidates(self, now: float) -> None:
        candidates, self.candidates = self.candidates, ()
        for client in candidates:
            if client not in self._paths:
                path = self._paths.open(
                    client, CHECKS_BYTES, now, roaming=False, keep=self._selected
                )
                path.signalled = True
                self._checks.start(path, now)

    def _probe(self, path: Path, now: float) -> None:
        self._checks.probe(path, now, reserve=path is not self._selected)

    def _follow_nomination(self, path: Path, now: float) -> None:
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

    def _follow_media(self, path: Path, now: float) -> None:
        left = self._selected
        self._select(path, now)
        if left is not None:
            self._paths.forget(left)

    def _select(self, path: Path, now: float) -> None:
        if self._selected is not None:
            self._selected.nominated = False
            self._selected.next_check_at = math.inf
        self._selected = path
        if path.check is None and path.is_stale(now):
            self._checks.start(path, now)
        elif path.check is None:
            path.next_check_at = self._checks.next_consent(now)

    # Responses: https://www.rfc-editor.org/rfc/rfc8445#section-7.2.5

    def _receive_response(self, response: stun.StunMessage, client: Address, now: float) -> None:
        path = self._paths.at(client)
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

    def _check_succeeded(self, path: Path, check: Check, now: float) -> None:
        path.consented_at = now
        path.next_check_at = math.inf
        if path.validate():
            self._changed()
        if check.controlling and check.use_candidate:
            path.nominated = True
        if path is self._media_path and path is not self._selected:
            self._follow_media(path, now)
        self._follow_nomination(path, now)
        # A response to a retransmitted check may belong to either transmission.
        if path is self._selected and check.transmissions == 1:
            self.rtt = now - check.sent_at
        if path is not self._selected:
            return
        if self._role.controlling and not path.nominated:
            self._checks.start(path, now)
        else:
            path.next_check_at = self._checks.next_consent(now)

    def _check_failed(self, path: Path, check: Check, code: int | None, now: float) -> None:
        self._reject(IceRejection.FAILED_CHECK)
        path.next_check_at = math.inf
        if code == ROLE_CONFLICT:
            self._role.refused(controlling=check.controlling)
            self._checks.start(path, now)
        elif path is self._selected:
            path.next_check_at = self._checks.next_consent(now)

    def _schedule(self) -> None:
        times = (
            path.next_check_at
            if path is self._selected
            else min(path.next_check_at, path.expires_at)
            for path in self._paths
        )
        self._next_due = min(times, default=math.inf)
