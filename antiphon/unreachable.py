"""Why an HTTP server could not be reached, in few words."""

import os
import ssl

import aiohttp


def why_unreachable(error: Exception) -> str:
    """`Connection refused`, where aiohttp would say it with its own internals."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return f"{_defect(error)}; SSL_CERT_FILE may name a certificate to trust"
    # Their error numbers are OpenSSL's, and not the system's.
    if isinstance(error, aiohttp.ClientConnectorSSLError):
        return f"no TLS there: {error.os_error.strerror or error.os_error}"
    if isinstance(error, aiohttp.ClientConnectorError) and error.os_error.errno:
        return os.strerror(error.os_error.errno)
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return str(error) or type(error).__name__


def _defect(error: aiohttp.ClientConnectorCertificateError) -> str:
    cause = error.certificate_error
    what = cause.verify_message if isinstance(cause, ssl.SSLCertVerificationError) else str(cause)
    return f"its certificate is not trusted ({what})"
