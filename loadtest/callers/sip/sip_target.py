"""Where to dial what."""

from dataclasses import dataclass

DEFAULT_NUMBER = "agent"
DEFAULT_PORT = 5060


class SipTargetError(ValueError):
    """No `[NUMBER@]HOST[:PORT]`."""


@dataclass(frozen=True, slots=True)
class SipTarget:
    number: str
    host: str
    port: int

    @classmethod
    def parse(cls, text: str, model: str) -> "SipTarget":
        """Without a number, the model's name is dialled, or else `agent`. Raises SipTargetError."""
        number, _, address = text.strip().rpartition("@")
        host, colon, port = address.rpartition(":")
        if not colon or address.endswith("]"):
            host, port = address, str(DEFAULT_PORT)
        bracketed = host.startswith("[") and host.endswith("]")
        if not host or (":" in host and not bracketed):
            raise SipTargetError(f"expected [NUMBER@]HOST[:PORT], not {text!r}")
        if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
            raise SipTargetError(f"a port is a number from 1 to 65535, not {port!r}")
        return cls(number or model or DEFAULT_NUMBER, host.strip("[]"), int(port))
