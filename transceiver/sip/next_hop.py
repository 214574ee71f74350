"""Where a request goes that has no flow to go by yet."""

from dataclasses import dataclass

from sipmessage import URI

from transceiver.sip.flow import SipTransport


@dataclass(frozen=True, slots=True)
class NextHop:
    """To be located by the host and port of a URI, by a transport that is already chosen.

    https://www.rfc-editor.org/rfc/rfc3263#section-4
    """

    uri: URI
    """SIP or SIPS; without a port SRV records are looked up, with one addresses."""
    transport: SipTransport

    @classmethod
    def of(cls, uri: URI) -> "NextHop":
        """By what the URI says; UDP if it says nothing. Raises ValueError for what is no
        SIP URI or asks for a transport that there is not."""
        if uri.scheme not in ("sip", "sips"):
            raise ValueError("not a SIP URI")
        named = uri.parameters.get("transport")
        transport = SipTransport(named.upper()) if named else SipTransport.UDP
        if uri.scheme == "sips":
            secured = {SipTransport.WS: SipTransport.WSS, SipTransport.WSS: SipTransport.WSS}
            transport = secured.get(transport, SipTransport.TLS)
        return cls(uri, transport)
