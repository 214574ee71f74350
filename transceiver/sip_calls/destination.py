"""Whom a call of ours goes to: a registered phone, or whoever a trunk leads to.

An application names a number, a phone's user, or a URI. Calls leave by what the operator has
set up, and by nothing else: else whoever has a key could have this server send to any host.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from sipmessage import URI, Address

from transceiver.signaling.calls import WantedCall, WantedCallError
from transceiver.sip.access import SipAccess
from transceiver.sip.flow import Flow
from transceiver.sip.gatekeeper import Caller
from transceiver.sip.registrations import Binding
from transceiver.sip.trunk import Trunk
from transceiver.sip_calls.sip_peer import SipPeer, called_by_trunk, called_phone

ANONYMOUS = "anonymous"

_NUMBER = re.compile(r"\+?[.()-]*[0-9*#][0-9*#.()-]*")
"""With the separators that people read: https://www.rfc-editor.org/rfc/rfc3966#section-3"""


@dataclass(frozen=True, slots=True)
class Destination:
    """What an INVITE to it has, and how its media is met."""

    target: URI
    caller: Address
    hop: Flow | URI
    """The flow that a phone registered by, or a URI to be located."""
    peer: SipPeer
    payer: Caller
    """The trunk or the phone, whose limits the call uses up beside the application's."""
    trunk: Trunk | None = None
    headers: tuple[tuple[str, str], ...] = ()


def destination(
    wanted: WantedCall,
    access: SipAccess,
    registered: Callable[[str], list[Binding]],
    host: str,
) -> Destination:
    """`registered` knows where a phone is, `host` is ours in URIs. Raises WantedCallError.

    Without a trunk's name only numbers leave by one: what looks like a phone's user is most
    likely one that is misspelt, and no carrier is to be paid for it.
    """
    named = _named(wanted.to)
    if wanted.trunk is not None:
        trunk = access.trunk(wanted.trunk)
        if trunk is not None and not isinstance(named, str) and _is_at(named, trunk, access):
            trunk = replace(trunk, uri=str(replace(named, user=None)))
        if trunk is None or trunk.uri is None:
            raise WantedCallError("There is no such trunk that calls go to.", "sip.trunk")
        return _by_trunk(named, wanted, trunk, host)
    user = named if isinstance(named, str) else named.user or ""
    if access.is_phone(user):
        return _to_phone(user, wanted, registered(user), host)
    if not _NUMBER.fullmatch(user):
        message = "It is neither a phone of ours nor a number: only with a 'trunk' is it called."
        raise WantedCallError(message, "sip.to")
    trunks = [trunk for trunk in access.config.trunks if trunk.uri is not None]
    if len(trunks) != 1:
        message = "It is no phone of ours: say by which trunk to call, as 'trunk'."
        raise WantedCallError(message, "sip.to")
    return _by_trunk(named, wanted, trunks[0], host)


def _named(to: str) -> str | URI:
    """A number or a user, or a SIP URI."""
    if not to.startswith(("sip:", "sips:", "tel:")):
        return to
    try:
        uri = URI.parse(to)
    except ValueError as error:
        raise WantedCallError("It is no URI of SIP or of a telephone.", "sip.to") from error
    return uri.user or "" if uri.scheme == "tel" else uri


def _by_trunk(named: str | URI, wanted: WantedCall, trunk: Trunk, host: str) -> Destination:
    at = URI.parse(trunk.uri or "")
    target = replace(at, user=named) if isinstance(named, str) else named
    # A carrier knows us by its own domain.
    domain = at.host if trunk.login else host
    return Destination(
        target=target,
        caller=_caller(wanted.caller or trunk.caller_id, domain),
        hop=at,
        peer=called_by_trunk(trunk.media),
        payer=Caller(trunk.name, is_trunk=True),
        trunk=trunk,
    )


def _is_at(uri: URI, trunk: Trunk, access: SipAccess) -> bool:
    """Whether the URI's host is an address that the trunk's own requests may come from."""
    if "maddr" in uri.parameters:
        # It would take the host's place.
        return False
    return bool(trunk.networks) and access.fits(trunk, uri.host)


def _to_phone(user: str, wanted: WantedCall, bindings: list[Binding], host: str) -> Destination:
    if not bindings:
        raise WantedCallError("The phone is not registered at the moment.", "sip.to")
    binding = bindings[0]
    contact = URI.parse(binding.contact)
    flow = binding.flow
    return Destination(
        target=contact,
        caller=_caller(wanted.caller, host),
        hop=flow,
        peer=called_phone((contact.host.strip("[]"), contact.port or 0), flow),
        payer=Caller(user, is_trunk=False),
        headers=tuple(("Route", route) for route in binding.path),
    )


def _caller(user: str | None, host: str) -> Address:
    return Address(uri=URI(scheme="sip", user=user or ANONYMOUS, host=host))
