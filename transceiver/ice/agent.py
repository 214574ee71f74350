"""The ICE agent of one call: full ICE over a single candidate, with restarts.

A restart (https://www.rfc-editor.org/rfc/rfc8445#section-9) opens a second `IceSession`
under new credentials beside the one that media goes over. The first goes on, with its
checks, its consent and its credentials, until
- the client settles on a path of the second, which has proved itself by an answered check:
  nothing that the first session learned of an address counts in the second; or
- the client's consent on the first is lost. A client that changed networks answers there
  no more; it has `RESTART_TIMEOUT_S` from its offer to answer on the second.
Then the first, and what its credentials authenticate, is forgotten.

Hand it messages with `receive` and `media_received`, the time with `tick`, then drain
`take_datagrams`; read `selected`.
"""

import math
from collections import Counter
from collections.abc import Callable

from antiphon_proto import stun
from antiphon_proto.address import Address
from transceiver.ice.credentials import IceCredentials
from transceiver.ice.effects import IceEffects
from transceiver.ice.path import CONSENT_EXPIRY_S
from transceiver.ice.rejection import IceRejection
from transceiver.ice.role import IceRole
from transceiver.ice.session import IceSession

RESTART_TIMEOUT_S = CONSENT_EXPIRY_S
"""How long after its offer a client whose old path is dead may take to answer on a new one."""


class IceAgent:
    """Answers and sends connectivity checks; knows where to send media and for how long.

    `random_bytes(n)` gives n unpredictable bytes; `rejections` may be shared by agents. Who
    nominates is settled by signaling: we do if we offered, or if the peer is a lite
    agent, whose `candidates` are then checked.
    """

    def __init__(
        self,
        local: IceCredentials,
        remote: IceCredentials,
        *,
        random_bytes: Callable[[int], bytes],
        rejections: Counter[IceRejection] | None = None,
        controlling: bool = False,
        candidates: tuple[Address, ...] = (),
    ) -> None:
        self._random_bytes = random_bytes
        self._role = IceRole(random_bytes, controlling=controlling)
        self._effects = IceEffects()
        self.rejections = Counter() if rejections is None else rejections
        self._session = self._open(local, remote, candidates)
        self._next: IceSession | None = None
        """What a restart is to lead to."""
        self._deadline = math.inf
        """When the restart fails, once nothing but its session is left."""

    signalled = False

    @property
    def revision(self) -> int:
        """Changes whenever `bindings`, `known` or `ufrags` may have."""
        return self._effects.revision

    @property
    def selected(self) -> Address | None:
        """Where to send DTLS and media, or None until the first authenticated check.

        The first client address is used at once, so that DTLS leaves with the
        response to its check. `IceSession` says which one takes over.
        """
        return self._session.selected

    @property
    def rtcp(self) -> Address | None:
        """RTCP goes where media does."""
        return self._session.selected

    @property
    def ready(self) -> bool:
        return self._session.selected is not None

    @property
    def local(self) -> IceCredentials:
        """Ours to answer the client's latest offer with."""
        return self._sessions[-1].local

    @property
    def ufrags(self) -> tuple[bytes, ...]:
        """Our username fragments whose checks are answered, the current one first."""
        return tuple(session.ufrag for session in self._sessions)

    @property
    def known(self) -> dict[Address, bool]:
        """The client addresses tracked, and whether our own check to each was answered."""
        known: dict[Address, bool] = {}
        for session in self._sessions:
            known.update(dict.fromkeys(session.candidates, False))
            for path in session.paths:
                known[path.client] = path.validated or known.get(path.client, False)
        return known

    @property
    def bindings(self) -> dict[Address, bool]:
        """What to claim at the relays, and whether the client confirmed that it is there.

        Not confirmed are addresses that only media came from, and signalled ones that a check of
        ours may bring an answer from. One that a check came from needs no claim before it is
        validated: the relay has verified that check itself.
        """
        bindings: dict[Address, bool] = {}
        for session in self._sessions:
            bindings.update(dict.fromkeys(session.candidates, False))
            for path in session.paths:
                if path.validated or path.roaming or path.signalled:
                    bindings[path.client] = path.validated or bindings.get(path.client, False)
        return bindings

    @property
    def rtt(self) -> float | None:
        """Seconds that the latest answered check to the selected address took."""
        return self._session.rtt

    @property
    def controlling(self) -> bool:
        return self._role.controlling

    @property
    def restarting(self) -> bool:
        """Whether media goes over the path of before a restart."""
        return self._next is not None

    def knows(self, client: Address) -> bool:
        """Whether an authenticated check or packet came from this address: DTLS may too."""
        return any(session.knows(client) for session in self._sessions)

    def expects(self, response: stun.StunMessage, client: Address) -> bool:
        """Whether it may answer a check of ours to this address."""
        return any(session.expects(response, client) for session in self._sessions)

    def consent_lost(self, now: float) -> bool:
        """Whether the client's consent to receive has expired, and with it any restart."""
        if self._next is not None:
            return False
        late = now > self._deadline and not self._session.validated
        return late or self._session.consent_lost(now)

    def negotiate(
        self,
        remote: IceCredentials,
        mint: Callable[[], IceCredentials],
        now: float,
        candidates: tuple[Address, ...] = (),
    ) -> None:
        """Follow the client's credentials in another offer.

        Other ones than before ask for a restart, for which `mint` makes ours. The same as in
        the last offer ask for nothing, and those of before it take the restart back.
        https://www.rfc-editor.org/rfc/rfc8839#section-4.4.3
        """
        if self._next is not None and remote == self._next.remote:
            return
        self._next = None
        if remote != self._session.remote:
            self._next = self._open(mint(), remote, candidates)
            self._deadline = now + RESTART_TIMEOUT_S
        self._effects.note_change()

    def take_datagrams(self) -> list[tuple[bytes, Address]]:
        """Hand over the datagrams to send since the last call."""
        return self._effects.take_datagrams()

    def receive(self, message: stun.StunMessage, size: int, client: Address, now: float) -> None:
        """Handle a STUN message from a datagram of `size` bytes; a bad one is counted."""
        self._addressed(message, client).receive(message, size, client, now)
        self._conclude_restart()

    def credit(self, size: int, client: Address) -> None:
        """A datagram of `size` bytes came from `client`: as much more may be sent there."""
        for session in self._sessions:
            session.credit(size, client)

    def spend(self, size: int, client: Address) -> bool:
        """Whether `size` bytes may leave for `client` now; if so, they are taken to have left."""
        return self._session.spend(size, client)

    def media_received(self, size: int, client: Address, now: float) -> bool:
        """The newest media of its source, authentic and `size` bytes long, came from `client`.

        Returns whether there are datagrams to send.
        """
        if self._next is not None and self._next.knows(client):
            self._next.media_received(size, client, now)
            self._conclude_restart()
        else:
            self._session.media_received(size, client, now)
        return bool(self._effects.datagrams)

    rtcp_received = media_received
    """RTCP comes from where media would."""

    def tick(self, now: float) -> None:
        """Send the checks that are due; forget the paths that fell silent."""
        for session in self._sessions:
            session.tick(now)
        if self._next is not None and self._session.consent_lost(now):
            self._switch(self._next)

    @property
    def _sessions(self) -> tuple[IceSession, ...]:
        return (self._session,) if self._next is None else (self._session, self._next)

    def _addressed(self, message: stun.StunMessage, client: Address) -> IceSession:
        """The session that a message belongs to; the first one for one that belongs to none."""
        following = self._next
        if following is None:
            return self._session
        if message.message_class is stun.StunClass.REQUEST:
            mine = message.local_ufrag == following.ufrag
        else:
            mine = following.expects(message, client)
        return following if mine else self._session

    def _conclude_restart(self) -> None:
        if self._next is not None and self._next.concluded:
            self._switch(self._next)

    def _switch(self, following: IceSession) -> None:
        self._session, self._next = following, None
        self._effects.note_change()

    def _open(
        self, local: IceCredentials, remote: IceCredentials, candidates: tuple[Address, ...]
    ) -> IceSession:
        return IceSession(
            local,
            remote,
            role=self._role,
            random_bytes=self._random_bytes,
            send=self._effects.send,
            changed=self._effects.note_change,
            rejections=self.rejections,
            candidates=candidates,
        )
