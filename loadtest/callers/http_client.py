"""The HTTP by which callers reach the Realtime API."""

import ssl

import aiohttp

from loadtest.callers.fleet import FleetError, Target


def http_client(
    target: Target, address: str = "", timeout_s: float | None = None
) -> aiohttp.ClientSession:
    """For as many calls at once as there are, from that address of this host, any unless given.

    Raises FleetError where the target cannot be reached by HTTP.
    """
    if not target.http.startswith(("http://", "https://")):
        raise FleetError(f"callers need an http: or https: URL, not {target.http!r}")
    return aiohttp.ClientSession(
        target.http,
        # A connection for each call, as strangers have: by one that stays open all would come to
        # the same worker.
        connector=aiohttp.TCPConnector(
            limit=0,
            force_close=True,
            ssl=_trusted(target.certificate_authority),
            local_addr=(address, 0) if address else None,
        ),
        headers={"Authorization": f"Bearer {target.api_key}"} if target.api_key else {},
        timeout=aiohttp.ClientTimeout(total=timeout_s),
    )


def _trusted(authority: str) -> ssl.SSLContext | bool:
    try:
        return ssl.create_default_context(cafile=authority) if authority else True
    except OSError as error:
        raise FleetError(f"--certificate-authority {authority}: {error}") from error
