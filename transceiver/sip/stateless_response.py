"""Responses without a transaction: nothing is kept of who was not let in.

https://www.rfc-editor.org/rfc/rfc3261#section-8.2.7
"""

import hashlib
from collections.abc import Iterable

from sipmessage import Request

from transceiver.sip.response_header import encode_response


def stateless_response(
    request: Request, status: int, fields: Iterable[tuple[str, str]] = ()
) -> bytes:
    return encode_response(request, status, _tag(request), fields)


def _tag(request: Request) -> str:
    """The same for every repetition of a request."""
    headers = request.headers
    said = (headers["Call-ID"], headers["From"], headers["CSeq"], *headers.getlist("Via"))
    return hashlib.blake2s("\n".join(said).encode(), digest_size=8).hexdigest()
