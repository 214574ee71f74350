"""The gatekeeper by the operator's files: trunks by address or digest, phones by digest.

Whoever is neither a trunk, nor where phones may be, hears nothing at all; and of phones' methods
only those are challenged that phones begin with.
"""

from collections import Counter
from enum import Enum

from sipmessage import URI, Request

from antiphon_proto.address import network_of
from transceiver.sip.access import CurrentAccess, SipAccess
from transceiver.sip.digest_server import DigestFault, DigestServer
from transceiver.sip.flow import Flow, SipTransport
from transceiver.sip.gatekeeper import Caller, Refusal, Silence, Verdict
from transceiver.sip.guess_limiter import GuessLimiter
from transceiver.sip.registrations import Registrations

_BEGINNINGS = frozenset({"INVITE", "REGISTER"})
_BROWSERS = frozenset({SipTransport.WS, SipTransport.WSS})
_ANONYMOUS = "anonymous.invalid"
"""https://www.rfc-editor.org/rfc/rfc3323#section-4.1.1.3"""


class Unproven(Enum):
    """Why a request was not let in: a label of `antiphon_transceiver_sip_unproven_total`."""

    STRANGER = "stranger"
    """It comes from where neither trunks nor phones are, or asks for what they do not begin with:
    not answered."""
    CHALLENGED = "challenged"
    """It brought no credentials."""
    STALE = "stale"
    """Its nonce was too old, of another worker or network, or used before: challenged again."""
    WRONG = "wrong"
    """Its credentials are wrong: challenged again."""
    LIMITED = "limited"
    """Its network tried too many wrong ones: not answered."""
    PRETENDER = "pretender"
    """A phone that says to be somebody else: 403."""


class AccessGatekeeper:
    """One worker's `Gatekeeper`; `unproven` counts why requests are not let in."""

    def __init__(
        self,
        access: CurrentAccess,
        digest: DigestServer,
        registrations: Registrations,
        unproven: Counter[Unproven],
    ) -> None:
        self._access = access
        self._digest = digest
        self._registrations = registrations
        self._unproven = unproven
        self._guesses = GuessLimiter()

    def judge(self, request: Request, flow: Flow, now: float) -> Verdict:
        access = self._access.now
        host = flow.remote[0]
        # By WebSocket the address is often that of an HTTP proxy, behind which anybody may be.
        trunk = None if flow.transport in _BROWSERS else access.trunk_at(host)
        if trunk and trunk.user is None and request.method != "REGISTER":
            return Caller(trunk.name, is_trunk=True)
        phone = self._registrations.user_at(flow, now)
        if phone is not None and request.method not in _BEGINNINGS and access.is_phone(phone):
            return Caller(phone, is_trunk=False)
        if not _may_prove(access, request, host):
            return self._silence(Unproven.STRANGER)
        network = network_of(host)
        if phone is None and not self._guesses.allows(network, now):
            return self._silence(Unproven.LIMITED)
        return self._proven(access, request, host, network, now)

    def may_reach(self, uri: URI) -> bool:
        return self._access.now.leads_to(uri.host)

    def _proven(
        self, access: SipAccess, request: Request, host: str, network: bytes, now: float
    ) -> Verdict:
        match self._digest.user(request, access.credentials, network, now):
            case DigestFault.MISSING if request.method not in _BEGINNINGS:
                return self._silence(Unproven.STRANGER)
            case DigestFault.MISSING:
                return self._challenge(Unproven.CHALLENGED, access, network, now)
            case DigestFault.STALE:
                return self._challenge(Unproven.STALE, access, network, now)
            case str(user) if caller := _caller(access, user, host):
                return self._as_itself(request, caller)
            case _:
                self._guesses.failed(network, now)
                return self._challenge(Unproven.WRONG, access, network, now)

    def _as_itself(self, request: Request, caller: Caller) -> Verdict:
        """A phone calls in its own name, or in none."""
        if caller.is_trunk:
            return caller
        try:
            sender = request.from_address.uri
        except (KeyError, ValueError):
            return Refusal(400)
        if sender.user == caller.name or sender.host == _ANONYMOUS:
            return caller
        self._unproven[Unproven.PRETENDER] += 1
        return Refusal(403)

    def _challenge(
        self, reason: Unproven, access: SipAccess, network: bytes, now: float
    ) -> Verdict:
        self._unproven[reason] += 1
        stale = reason is Unproven.STALE
        return Refusal(401, self._digest.challenges(access.credentials, network, now, stale=stale))

    def _silence(self, reason: Unproven) -> Verdict:
        self._unproven[reason] += 1
        return Silence()


def _may_prove(access: SipAccess, request: Request, host: str) -> bool:
    """Whether anybody may be there who is known by digest."""
    if any(trunk.user and access.fits(trunk, host) for trunk in access.config.trunks):
        return True
    return access.phones_may_be_at(host) and access.is_phones_domain(request.uri.host)


def _caller(access: SipAccess, user: str, host: str) -> Caller | None:
    """Who a user is that proved to be it from there; None where it may not be."""
    trunk = access.trunk_of(user)
    if trunk:
        return Caller(trunk.name, is_trunk=True) if access.fits(trunk, host) else None
    return Caller(user, is_trunk=False) if access.phones_may_be_at(host) else None
