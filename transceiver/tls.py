"""TLS of the HTTP port, by certificate files that may be replaced while it runs."""

import logging
import ssl
from dataclasses import dataclass
from pathlib import Path

logger = logging.getLogger(__name__)


class TlsError(ValueError):
    """The certificate or its key cannot be used; the text holds nothing of either."""


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Paths of a certificate chain and of its key without a passphrase, both PEM."""

    certificate: str
    key: str

    def load(self) -> ssl.SSLContext:
        """A server's context, TLS 1.2 or newer, for HTTP/1.1. Raises TlsError."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        try:
            # Without a passphrase OpenSSL would ask for one at the terminal.
            context.load_cert_chain(self.certificate, self.key, password="")
        except ssl.SSLError as error:
            reason = (error.reason or "not PEM").replace("_", " ").lower()
            raise TlsError(f"{self.certificate} and {self.key}: {reason}") from error
        except (OSError, ValueError) as error:
            raise TlsError(f"{self.certificate} or {self.key}: {_cause(error)}") from error
        return context


class TlsListener:
    """The context of a listening socket: new connections get the certificate loaded last."""

    def __init__(self, files: TlsFiles) -> None:
        """Raises TlsError."""
        self._files = files
        self._current = files.load()
        self.context = files.load()
        # Called with or without a name from the client, before the certificate is chosen.
        self.context.sni_callback = self._choose

    def reload(self) -> None:
        """Read the files again; those that cannot be used change nothing but the log."""
        try:
            self._current = self._files.load()
        except TlsError as error:
            logger.error("%s; keeping the certificate of before", error)  # noqa: TRY400

    def _choose(self, connection: ssl.SSLObject, _name: str | None, _listener: object) -> None:
        connection.context = self._current


class TlsWatch:
    """Tells when the files say something else that can be used."""

    def __init__(self, files: TlsFiles) -> None:
        self._files = files
        self._seen = self._read()

    def changed(self) -> bool:
        """Read the files; a change that cannot be used costs one line of log."""
        seen = self._read()
        if seen == self._seen:
            return False
        self._seen = seen
        try:
            self._files.load()
        except TlsError as error:
            logger.error("%s; keeping the certificate of before", error)  # noqa: TRY400
            return False
        logger.info("%s: read again", self._files.certificate)
        return True

    def _read(self) -> tuple[bytes, ...]:
        return tuple(_content(path) for path in (self._files.certificate, self._files.key))


def _content(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError:
        return b""


def _cause(error: OSError | ValueError) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or "not usable"
