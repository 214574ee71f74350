"""Why requests are refused whoever sends them, and whatever they are about."""

from sipmessage import Request

from transceiver.sip.application import Reply
from transceiver.sip.extensions import (
    ACCEPT,
    ALLOW,
    KNOWN_METHODS,
    METHODS,
    unknown_requirements,
)
from transceiver.sip.message import tag_of
from transceiver.sip.message_body import BodyError, session_description
from transceiver.sip.session_timer import MIN_INTERVAL_S, is_too_small


def general_refusal(request: Request) -> Reply | None:
    """https://www.rfc-editor.org/rfc/rfc3261#section-8.2"""
    is_within = bool(tag_of(request.headers["To"]))
    method = request.method
    if method not in METHODS and method != ("REFER" if is_within else "REGISTER"):
        return Reply(405 if method in KNOWN_METHODS else 501, (ALLOW,))
    if unknown := unknown_requirements(request):
        return Reply(420, (("Unsupported", ", ".join(unknown)),))
    if request.headers.get("Info-Package"):
        # https://www.rfc-editor.org/rfc/rfc6086#section-4.2.2
        return Reply(469, (("Recv-Info", ""),))
    return _description_refusal(request) if method in ("INVITE", "UPDATE") else None


def _description_refusal(request: Request) -> Reply | None:
    try:
        session_description(request)
    except BodyError:
        return Reply(415, (ACCEPT,))
    if is_too_small(request):
        return Reply(422, (("Min-SE", str(MIN_INTERVAL_S)),))
    return None
