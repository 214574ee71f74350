"""What a peer is told whose offer is not taken.

https://www.rfc-editor.org/rfc/rfc3261#section-21.4.26
"""

import re

from transceiver.sdp.offer_error import OfferError

NOT_ACCEPTABLE = 488

_MISCELLANEOUS = 399
_AGENT = "antiphon"
_MAX_CHARS = 200
_UNQUOTABLE = re.compile(r"[^ !#-\[\]-~]")


def media_warning(error: OfferError) -> tuple[str, str]:
    """Why, as a header field: https://www.rfc-editor.org/rfc/rfc3261#section-20.43

    In the place of a host stands a pseudonym, which is the same by whichever way the peer came.
    """
    text = _UNQUOTABLE.sub("?", error.message)[:_MAX_CHARS]
    return "Warning", f'{_MISCELLANEOUS} {_AGENT} "{text}"'
