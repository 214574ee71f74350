"""By which URI the peers of our dialogs reach us.

https://www.rfc-editor.org/rfc/rfc3261#section-8.1.1.8
"""

from collections.abc import Callable

from transceiver.sip.application import SentBy
from transceiver.sip.dialog_path import DialogPath
from transceiver.sip.flow import SipTransport

_PARAMETERS = {
    SipTransport.UDP: "",
    SipTransport.TCP: ";transport=tcp",
    SipTransport.TLS: ";transport=tls",
    SipTransport.WS: ";transport=ws",
    SipTransport.WSS: ";transport=ws",
}
"""https://www.rfc-editor.org/rfc/rfc7118#section-5.2"""


class Contact:
    """Of one call, by whichever way its peer is reached."""

    def __init__(self, call_id: str, sent_by: Callable[[SipTransport], SentBy]) -> None:
        self._call_id = call_id
        self._sent_by = sent_by

    def __call__(self, path: DialogPath) -> str:
        """The value of the header field."""
        transport = path.hop.transport
        ours = self._sent_by(transport)
        port = f":{ours.port}" if ours.port else ""
        scheme = "sips" if path.target.startswith("sips:") else "sip"
        return f"<{scheme}:{self._call_id}@{ours.host}{port}{_PARAMETERS[transport]}>"
