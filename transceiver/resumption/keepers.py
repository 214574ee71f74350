"""Which worker keeps a session's snapshot: by the session's id, of those that there are."""

import hashlib
from collections.abc import Collection

from antiphon_proto.address import Address


def ranked(session_id: str, workers: Collection[Address]) -> list[Address]:
    """All of them, the session's keeper first, then who keeps it where that one is gone.

    By highest random weight: when a worker goes or comes, others' sessions stay where they are.
    https://www.microsoft.com/en-us/research/publication/a-name-based-mapping-scheme-for-rendezvous/
    """
    return sorted(workers, key=lambda worker: _weight(session_id, worker), reverse=True)


def _weight(session_id: str, worker: Address) -> bytes:
    host, port = worker
    return hashlib.blake2b(f"{session_id} {host} {port}".encode(), digest_size=8).digest()
