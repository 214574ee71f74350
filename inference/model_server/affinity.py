"""Which of several equal model servers a call belongs to, so that one keeps it cached.

Rendezvous hashing: every process ranks the servers for a call in the same way without
asking anybody, and where a server goes or comes, only its own calls move.
https://www.eecs.umich.edu/techreports/cse/96/CSE-TR-316-96.pdf
"""

from collections.abc import Sequence
from hashlib import blake2b

TOKEN_BYTES = 12


def ranked(session_key: str, urls: Sequence[str]) -> list[int]:
    """The places of `urls`, best for this call first."""
    return sorted(range(len(urls)), key=lambda place: _weight(session_key, urls[place]))


def session_token(session_key: str) -> str:
    """What a proxy in front of the servers may hash: one for a call, which it does not reveal."""
    return blake2b(
        session_key.encode(), digest_size=TOKEN_BYTES, person=b"antiphon-session"
    ).hexdigest()


def _weight(session_key: str, url: str) -> bytes:
    return blake2b(f"{session_key}\0{url}".encode(), digest_size=8).digest()
