"""What makes two messages parts of one transaction.

https://www.rfc-editor.org/rfc/rfc3261#section-17.2.3
"""

from collections.abc import Hashable

from sipmessage import Request

from transceiver.sip.branch import has_unique_branch
from transceiver.sip.message import tag_of, top_via


def server_key(request: Request, method: str | None = None) -> Hashable:
    """Of the request's transaction; an ACK has the INVITE's. With `method` that of the
    request of that method which this one is about, as CANCEL is about INVITE."""
    method = method or ("INVITE" if request.method == "ACK" else request.method)
    via = top_via(request.headers)
    if has_unique_branch(via):
        return via.parameters.get("branch"), via.host.lower(), via.port, method
    return _key_of_rfc_2543(request, method)


def _key_of_rfc_2543(request: Request, method: str) -> Hashable:
    """Of peers whose branches are not unique. To is left out: an ACK's has a tag of ours."""
    headers = request.headers
    via = top_via(headers)
    sent_by = via.host.lower(), via.port, via.parameters.get("branch")
    number = request.cseq.sequence
    return str(request.uri), headers["Call-ID"], tag_of(headers["From"]), number, sent_by, method


def merge_key(request: Request) -> Hashable:
    """The same for copies of one request that came by different ways.

    https://www.rfc-editor.org/rfc/rfc3261#section-8.2.2.2
    """
    headers = request.headers
    cseq = request.cseq
    return headers["Call-ID"], tag_of(headers["From"]), cseq.sequence, cseq.method
