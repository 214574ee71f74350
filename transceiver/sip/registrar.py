"""Answers REGISTER, and says where a phone is.

https://www.rfc-editor.org/rfc/rfc3261#section-10.3
"""

from dataclasses import dataclass

from sipmessage import Address, Request

from transceiver.sip.access import CurrentAccess
from transceiver.sip.application import Reply
from transceiver.sip.flow import Flow, SipTransport
from transceiver.sip.gatekeeper import Caller
from transceiver.sip.header_list import header_addresses, header_tokens, header_values
from transceiver.sip.registrations import MAX_CONTACTS, Binding, Record, Registrations, ended

DEFAULT_EXPIRES_S = 3600
MAX_EXPIRES_S = 3600
MIN_EXPIRES_S = 60
NAT_EXPIRES_S = 60
"""By UDP through a NAT, which forgets its mapping soon: the registration keeps it."""

MAX_TEXT_CHARS = 512
"""Of all texts that are kept."""
MAX_PATH = 8

_MAX_NUMBER = 0xFFFFFFFF


class _RefusedError(Exception):
    """The REGISTER changes nothing."""

    def __init__(self, status: int, *headers: tuple[str, str]) -> None:
        super().__init__(status)
        self.reply = Reply(status, headers)


@dataclass(frozen=True, slots=True)
class _Contact:
    key: str
    uri: str
    expires_s: int
    by_outbound: bool


class Registrar:
    """One worker's."""

    def __init__(self, access: CurrentAccess, registrations: Registrations) -> None:
        self._access = access
        self._registrations = registrations

    def lookup(self, user: str, now: float) -> list[Binding]:
        """Where a phone is, the place of the newest registration first; nowhere if unknown."""
        if not self._access.now.is_phone(user):
            return []
        return [record.binding for record in self._registrations.of(user, now)]

    def register(self, request: Request, caller: Caller, flow: Flow, now: float) -> Reply:
        """The answer to a REGISTER of somebody who was let in."""
        try:
            return self._registered(request, caller, flow, now)
        except _RefusedError as refused:
            return refused.reply
        except (KeyError, ValueError):
            return Reply(400)

    def _registered(self, request: Request, caller: Caller, flow: Flow, now: float) -> Reply:
        """Raises _RefusedError, and KeyError or ValueError for headers that cannot be read."""
        if caller.is_trunk or request.to_address.uri.user != caller.name:
            raise _RefusedError(403)
        known = self._registrations.of(caller.name, now)
        call_id, cseq = request.call_id, request.cseq.sequence
        if len(call_id) > MAX_TEXT_CHARS:
            raise _RefusedError(400)
        if any(record.call_id == call_id and record.cseq >= cseq for record in known):
            # Older than what is known, and repeated by the network rather than the phone.
            raise _RefusedError(500)
        path = _path(request)
        if header_values(request.headers, "Contact") == ["*"]:
            if _seconds(request.headers.get("Expires")) != 0:
                raise _RefusedError(400)
            changed = [ended(record, now) for record in known]
            outbound = False
        else:
            addresses = header_addresses(request.headers, "Contact")
            if len(addresses) > MAX_CONTACTS:
                raise _RefusedError(400)
            contacts = [_contact(each, request, flow) for each in addresses]
            changed = [
                _record(caller.name, each, flow, path, (call_id, cseq), now) for each in contacts
            ]
            outbound = any(each.by_outbound for each in contacts)
        if changed:
            self._registrations.change(tuple(changed))
        return self._ok(caller.name, path, now, outbound=outbound)

    def _ok(self, user: str, path: tuple[str, ...], now: float, *, outbound: bool) -> Reply:
        contacts = [
            ("Contact", f"<{record.contact}>;expires={max(1, round(record.expires_at - now))}")
            for record in self._registrations.of(user, now)
        ]
        headers = [*contacts, *(("Path", each) for each in path)]
        if outbound:
            headers.append(("Require", "outbound"))
        return Reply(200, tuple(headers))


def _record(
    user: str, contact: _Contact, flow: Flow, path: tuple[str, ...], by: tuple[str, int], now: float
) -> Record:
    return Record(
        user=user,
        key=contact.key,
        contact=contact.uri,
        edge=flow.edge,
        transport=flow.transport,
        remote=flow.remote,
        connection=flow.connection,
        path=path,
        call_id=by[0],
        cseq=by[1],
        changed_at=now,
        expires_at=now + contact.expires_s if contact.expires_s else 0.0,
    )


def _contact(address: Address, request: Request, flow: Flow) -> _Contact:
    """Raises _RefusedError."""
    uri = str(address.uri)
    parameters = {name.lower(): value or "" for name, value in address.parameters.items()}
    if address.uri.scheme not in ("sip", "sips") or len(uri) > MAX_TEXT_CHARS:
        raise _RefusedError(400)
    instance = parameters.get("+sip.instance")
    registration = parameters.get("reg-id", "") if instance else ""
    key = f"{instance} {registration}" if instance else _comparable(address)
    if len(key) > MAX_TEXT_CHARS:
        raise _RefusedError(400)
    by_outbound = bool(registration) and flow.transport.reliable and _offers_outbound(request)
    return _Contact(key, uri, _expires_s(address, parameters, request, flow), by_outbound)


def _comparable(address: Address) -> str:
    """Equal for equal URIs: https://www.rfc-editor.org/rfc/rfc3261#section-19.1.4"""
    uri = address.uri
    parameters = sorted(f"{name.lower()}={value}".lower() for name, value in uri.parameters.items())
    return " ".join([uri.scheme, uri.user or "", uri.host.lower(), str(uri.port), *parameters])


def _offers_outbound(request: Request) -> bool:
    """With no proxy in between: https://www.rfc-editor.org/rfc/rfc5626#section-6"""
    headers = request.headers
    supported = header_tokens(headers, "Supported")
    return "outbound" in supported and len(header_values(headers, "Via")) == 1


def _expires_s(address: Address, parameters: dict[str, str], request: Request, flow: Flow) -> int:
    """As it is granted. Raises _RefusedError for one that is too short."""
    asked = _seconds(parameters.get("expires"))
    if asked is None:
        asked = _seconds(request.headers.get("Expires"))
    if asked is None:
        asked = DEFAULT_EXPIRES_S
    if 0 < asked < MIN_EXPIRES_S:
        raise _RefusedError(423, ("Min-Expires", str(MIN_EXPIRES_S)))
    return min(asked, NAT_EXPIRES_S if _is_behind_nat(address, flow) else MAX_EXPIRES_S)


def _is_behind_nat(address: Address, flow: Flow) -> bool:
    host, port = flow.remote
    stated = (address.uri.host.strip("[]"), address.uri.port or 5060)
    return flow.transport is SipTransport.UDP and stated != (host, port)


def _seconds(text: str | None) -> int | None:
    """None for what is no number, as if it were not there.

    https://www.rfc-editor.org/rfc/rfc3261#section-20.19
    """
    text = (text or "").strip()
    if not (text.isascii() and text.isdigit()):
        return None
    return min(int(text[:11]), _MAX_NUMBER)


def _path(request: Request) -> tuple[str, ...]:
    """Raises _RefusedError, and ValueError for what are no addresses."""
    values = [str(each) for each in header_addresses(request.headers, "Path")]
    if len(values) > MAX_PATH or any(len(each) > MAX_TEXT_CHARS for each in values):
        raise _RefusedError(400)
    return tuple(values)
