"""TLS of connections that we make to SIP peers."""

import ssl
from collections.abc import Callable

KEPT_S = 600.0
"""For how long the authorities are not read again, which takes tens of milliseconds."""


class ClientTlsError(ValueError):
    """The authorities cannot be read."""


class ClientTls:
    """Trusts the authorities of a PEM file, or the system's."""

    def __init__(self, authorities: str | None, clock: Callable[[], float]) -> None:
        self._authorities = authorities
        self._clock = clock
        self._context: ssl.SSLContext | None = None
        self._read_at = 0.0

    def context(self) -> ssl.SSLContext:
        """TLS 1.2 or newer, and a name to be proved. Raises ClientTlsError."""
        now = self._clock()
        if self._context is None or now - self._read_at > KEPT_S:
            self._context = self._read()
            self._read_at = now
        return self._context

    def _read(self) -> ssl.SSLContext:
        try:
            context = ssl.create_default_context(cafile=self._authorities)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "not PEM"
            raise ClientTlsError(f"{self._authorities}: {reason}") from error
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return context
