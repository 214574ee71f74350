"""Why a STUN message does nothing for a client."""

import enum


class IceRejection(enum.Enum):
    """Why a STUN message had no effect, or only drew an error response."""

    UNAUTHENTICATED = "unauthenticated"
    UNKNOWN_ATTRIBUTE = "unknown_attribute"
    ROLE_CONFLICT = "role_conflict"
    UNEXPECTED_RESPONSE = "unexpected_response"
    FAILED_CHECK = "failed_check"
    UNSUPPORTED = "unsupported"
