"""The parameter of Via by which transactions are told apart.

https://www.rfc-editor.org/rfc/rfc3261#section-8.1.1.7
"""

from sipmessage import Via

MAGIC_COOKIE = "z9hG4bK"


def has_unique_branch(via: Via) -> bool:
    """Whether the peer is of RFC 3261, not 2543: its branches are each of one transaction."""
    branch = via.parameters.get("branch") or ""
    return branch.lower().startswith(MAGIC_COOKIE.lower()) and len(branch) > len(MAGIC_COOKIE)
