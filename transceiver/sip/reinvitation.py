"""Further offers of ours in a session that stands, one at a time.

https://www.rfc-editor.org/rfc/rfc3261#section-14
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass

from sipmessage import Response

from transceiver.sdp.offer_error import OfferError
from transceiver.sip.application import Authenticator
from transceiver.sip.authorized_request import AuthorizedRequest
from transceiver.sip.dialog import Dialog
from transceiver.sip.extensions import ALLOW, SUPPORTED
from transceiver.sip.invite_session import InviteHandler
from transceiver.sip.message_body import SDP, BodyError, session_description
from transceiver.sip.session_environment import SessionEnvironment
from transceiver.sip.session_timer import SessionTimer
from transceiver.sip.timers import Timer
from transceiver.sip.transactions.client import Outcome, ends_dialog, status_of

LONGEST_S = 60.0
"""How long an answer may take: nobody has to be asked for it, as a rule."""

_OWNER_WAIT_S = (2.1, 4.0)
_OTHER_WAIT_S = (0.0, 2.0)
"""After a collision, so that the second try of the two does not collide, too:
https://www.rfc-editor.org/rfc/rfc3261#section-14.1"""


@dataclass(frozen=True, slots=True)
class Standing:
    """The session that offers are made in."""

    dialog: Dialog
    handler: InviteHandler
    timer: SessionTimer
    authenticator: Authenticator | None
    owns_call_id: bool
    """It began with an INVITE of ours."""
    is_busy: Callable[[], bool]
    """Another offer is under way, to be waited for."""
    gone: Callable[[], None]
    """The peer knows of no such session, or does not answer."""
    broken: Callable[[], None]
    """The two cannot agree any more."""


class Reinvitation:
    """Told `proceed` whenever the session is busy no more."""

    def __init__(self, environment: SessionEnvironment, standing: Standing) -> None:
        self._environment = environment
        self._standing = standing
        self._is_wanted = False
        self._request: AuthorizedRequest | None = None
        self._is_pending = False
        self._is_stopped = False
        self._retry: Timer | None = None

    @property
    def is_pending(self) -> bool:
        """An offer of ours is not answered yet."""
        return self._is_pending

    def want(self) -> None:
        """Offer as soon as nothing else is under way."""
        self._is_wanted = True
        self.proceed()

    def stop(self) -> None:
        """The session is over: what is answered now is acknowledged, and no more."""
        self._is_wanted, self._is_stopped = False, True
        if self._retry:
            self._retry.cancel()

    def proceed(self) -> None:
        if not self._is_wanted or self._is_pending or self._retry or self._standing.is_busy():
            return
        self._is_wanted = False
        standing = self._standing
        try:
            offer = standing.handler.make_offer()
        except OfferError:
            standing.broken()
            return
        self._is_pending = True
        fields = (standing.dialog.contact, ALLOW, SUPPORTED, *standing.timer.offer(), SDP)
        self._request = self._environment.request(
            standing.dialog,
            "INVITE",
            self._outcome,
            fields=fields,
            body=offer.encode(),
            authenticator=standing.authenticator,
        )
        self._environment.timers.after(LONGEST_S, functools.partial(self._cancel, self._request))

    def _cancel(self, request: AuthorizedRequest) -> None:
        """Somebody said no more than that they try."""
        if self._is_pending and request is self._request:
            self._environment.cancel(request)

    def _outcome(self, outcome: Outcome) -> None:
        status = status_of(outcome)
        if status < 200:
            return
        was_pending, self._is_pending = self._is_pending, False
        if isinstance(outcome, Response) and status < 300:
            self._accepted(outcome, first=was_pending)
        elif self._is_stopped:
            return
        elif ends_dialog(outcome):
            self._standing.gone()
        elif status == 491:
            self._wait()
        else:
            self.proceed()

    def _accepted(self, response: Response, *, first: bool) -> None:
        standing, request = self._standing, self._request
        assert request is not None
        if first:
            standing.dialog.retargeted(response)
        self._environment.acknowledge(standing.dialog, request.sequence, request.credentials)
        if not first or self._is_stopped:
            return
        standing.timer.answered(response)
        try:
            description = session_description(response)
            if description is not None:
                standing.handler.answered(description)
        except (BodyError, OfferError):
            standing.broken()
        else:
            self.proceed()

    def _wait(self) -> None:
        shortest, longest = _OWNER_WAIT_S if self._standing.owns_call_id else _OTHER_WAIT_S
        delay = shortest + self._environment.random() * (longest - shortest)
        self._is_wanted = True
        self._retry = self._environment.timers.after(delay, self._again)

    def _again(self) -> None:
        self._retry = None
        self.proceed()
