"""The SIP configuration file: trunks, phones and the dial plan, in TOML.

[[trunks]]
name = "carrier"
networks = ["203.0.113.0/24"]               # where its calls come from
user = "carrier"                            # digest, in place of networks or beside them
uri = "sip:sip.carrier.example;transport=tls"   # where calls to it go
username = "4711"
password = "..."
caller-id = "+15551234567"
media = "sdes"                              # rtp, sdes or dtls
sessions = 20
requests-per-minute = 0

[phones]
networks = []                               # where phones may be; anywhere by default
domains = []                                # which they call us; any by default
sessions = 10                               # calls at once of one phone; 0: any number

[[dial-plan]]
number = ["100", "_+1555XXXXXXX"]           # see number_pattern
from = ["carrier"]                          # trunks, or "phones"
session = { instructions = "..." }          # or: webhook = true, or: reject = 404
greeting = "Say hello."
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any, TypeVar

import msgspec
from sipmessage import URI

from antiphon_proto.realtime.error import RealtimeError
from antiphon_proto.realtime.session import RealtimeSession
from transceiver.sdp.agreed_media import MediaSecurity
from transceiver.signaling.api_keys import KeyLimits
from transceiver.signaling.session_config import layered_session
from transceiver.sip.dial_plan import PHONES, Action, Announce, Answer, DialPlan, Reject, Rule
from transceiver.sip.digest_client import Login
from transceiver.sip.flow import SipTransport
from transceiver.sip.next_hop import NextHop
from transceiver.sip.number_pattern import NumberPattern
from transceiver.sip.trunk import Trunk

MAX_PHONE_SESSIONS = 10
"""Calls at once of one phone, unless the file says otherwise: more than people have at a phone,
and few enough that whoever has a phone's password cannot take the worker from all others."""

ValueT = TypeVar("ValueT")


class SipConfigError(ValueError):
    """The file cannot be used; the text names the place, never a password."""


@dataclass(frozen=True, slots=True)
class Phones:
    """What holds for all phones."""

    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    """Where they may be; anywhere if there are none."""
    domains: frozenset[str] = frozenset()
    """Hosts that their requests are for, in lower case; any if there are none."""
    limits: KeyLimits = field(default_factory=lambda: KeyLimits(MAX_PHONE_SESSIONS))
    """What the calls of one phone may use of one worker."""


@dataclass(frozen=True, slots=True)
class SipConfig:
    """The file; equal to another that says the same."""

    trunks: tuple[Trunk, ...] = ()
    phones: Phones = field(default_factory=Phones)
    dial_plan: DialPlan = field(default_factory=DialPlan)

    @classmethod
    def parse(cls, text: str) -> "SipConfig":
        """Raises SipConfigError."""
        try:
            file = msgspec.toml.decode(text, type=_File)
        except (msgspec.DecodeError, RecursionError) as error:
            raise SipConfigError(str(error)) from error
        trunks = tuple(_at(f"trunks[{i}]", _trunk, each) for i, each in enumerate(file.trunks))
        names = [trunk.name for trunk in trunks]
        users = [trunk.user for trunk in trunks if trunk.user is not None]
        for what, values in (("name", names), ("user", users)):
            if len(set(values)) < len(values):
                raise SipConfigError(f"trunks: two have the same {what}")
        known = {*names, PHONES}
        rules = [
            _at(f"dial-plan[{i}]", lambda rule: _rule(rule, known), each)
            for i, each in enumerate(file.dial_plan)
        ]
        return cls(trunks, _at("phones", _phones, file.phones), DialPlan(rules))


class _Table(msgspec.Struct, forbid_unknown_fields=True, rename="kebab"):
    pass


class _Trunk(_Table):
    name: str
    networks: list[str] = []
    user: str | None = None
    uri: str | None = None
    username: str | None = None
    password: str | None = None
    caller_id: str | None = None
    media: MediaSecurity = MediaSecurity.NONE
    sessions: int | None = None
    requests_per_minute: int | None = None


class _Phones(_Table):
    networks: list[str] = []
    domains: list[str] = []
    sessions: int = MAX_PHONE_SESSIONS
    requests_per_minute: int | None = None


class _Rule(_Table):
    number: str | list[str] = []
    from_: str | list[str] = msgspec.field(name="from", default_factory=list)
    session: dict[str, Any] | None = None
    greeting: str | None = None
    webhook: bool = False
    reject: int | None = None


class _File(_Table):
    trunks: list[_Trunk] = []
    phones: _Phones = msgspec.field(default_factory=_Phones)
    dial_plan: list[_Rule] = []


def _at(place: str, read: Callable[[Any], ValueT], table: object) -> ValueT:
    """Raises SipConfigError that names the place."""
    try:
        return read(table)
    except ValueError as error:
        raise SipConfigError(f"{place}: {error}") from error


def _trunk(table: _Trunk) -> Trunk:
    """Raises ValueError."""
    if not table.name.strip() or table.name == PHONES:
        raise ValueError(f"name: expected one, other than {PHONES}")
    if not (table.networks or table.user or table.uri):
        raise ValueError("expected networks or a user, to know its calls by, or a uri to call")
    if (table.username is None) != (table.password is None):
        raise ValueError("username and password need one another")
    return Trunk(
        name=table.name,
        networks=_networks(table.networks),
        user=table.user,
        uri=_next_hop(table.uri),
        login=_login(table),
        caller_id=table.caller_id,
        media=table.media,
        limits=_limits(table),
    )


def _login(table: _Trunk) -> Login | None:
    if table.username is None or table.password is None:
        return None
    return Login(table.username, table.password)


def _next_hop(text: str | None) -> str | None:
    if text is None:
        return None
    try:
        transport = NextHop.of(URI.parse(text)).transport
    except ValueError as error:
        raise ValueError("uri: expected sip:HOST, maybe with a port and a transport") from error
    if transport in (SipTransport.WS, SipTransport.WSS):
        raise ValueError("uri: nobody is called by WebSocket who has not connected")
    return text


def _networks(texts: list[str]) -> tuple[IPv4Network | IPv6Network, ...]:
    try:
        return tuple(ip_network(text) for text in texts)
    except ValueError as error:
        raise ValueError(f"networks: {error}") from error


def _limits(table: _Trunk | _Phones) -> KeyLimits:
    for value in (table.sessions, table.requests_per_minute):
        if value is not None and value < 0:
            raise ValueError("sessions and requests-per-minute are whole numbers from 0 up")
    return KeyLimits(table.sessions, table.requests_per_minute)


def _phones(table: _Phones) -> Phones:
    domains = frozenset(domain.lower() for domain in table.domains)
    return Phones(_networks(table.networks), domains, _limits(table))


def _rule(table: _Rule, known: set[str]) -> Rule:
    """Raises ValueError."""
    numbers = [table.number] if isinstance(table.number, str) else table.number
    callers = [table.from_] if isinstance(table.from_, str) else table.from_
    if unknown := [each for each in callers if each not in known]:
        raise ValueError(f"from: there is no trunk {unknown[0]!r}")
    patterns = tuple(_at("number", NumberPattern.parse, number) for number in numbers)
    return Rule(_action(table), patterns, tuple(callers))


def _action(table: _Rule) -> Action:
    """Raises ValueError."""
    if [table.session is not None, table.webhook, table.reject is not None].count(True) != 1:
        raise ValueError("expected one of: session, webhook = true, reject")
    if table.greeting is not None and table.session is None:
        raise ValueError("greeting: only beside a session")
    if table.session is not None:
        return Answer(_session(table.session), table.greeting)
    if table.reject is None:
        return Announce()
    if not 400 <= table.reject <= 699:
        raise ValueError("reject: expected a status from 400 to 699")
    return Reject(table.reject)


def _session(given: dict[str, Any]) -> RealtimeSession:
    """Raises ValueError, also for what a client of the API may send and is not heeded."""
    if unknown := sorted(given.keys() - set(RealtimeSession.__struct_fields__)):
        raise ValueError(f"session: there is no {unknown[0]!r}")
    try:
        return layered_session(given=msgspec.json.encode(given))
    except RealtimeError as error:
        raise ValueError(f"{error.param or 'session'}: {error.message}") from error
