"""Which methods and extensions of SIP there are here."""

from sipmessage import Request

from transceiver.sip.header_list import header_tokens, header_values

METHODS = ("INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "INFO", "UPDATE", "PRACK", "NOTIFY")
"""For whom was let in; REGISTER is the application's."""
KNOWN_METHODS = frozenset((*METHODS, "REGISTER", "REFER", "MESSAGE", "SUBSCRIBE", "PUBLISH"))
"""Others are not implemented, rather than not allowed."""
EXTENSIONS = ("100rel", "timer")

ALLOW = ("Allow", ", ".join(METHODS))
SUPPORTED = ("Supported", ", ".join(EXTENSIONS))
ACCEPT = ("Accept", "application/sdp")

RELIABLE = "100rel"
TIMER = "timer"


def unknown_requirements(request: Request) -> list[str]:
    """https://www.rfc-editor.org/rfc/rfc3261#section-8.2.2.3"""
    asked = header_tokens(request.headers, "Require")
    return [tag for tag in asked if tag not in EXTENSIONS]


def knows_extension(request: Request, tag: str) -> bool:
    return tag in header_tokens(request.headers, "Supported") or requires(request, tag)


def requires(request: Request, tag: str) -> bool:
    return tag in header_tokens(request.headers, "Require")


def accepts_sdp(request: Request) -> bool:
    """https://www.rfc-editor.org/rfc/rfc3261#section-20.1"""
    accepted = header_values(request.headers, "Accept")
    kinds = [value.partition(";")[0].strip().lower() for value in accepted]
    return not kinds or any(kind in ("application/sdp", "application/*", "*/*") for kind in kinds)
