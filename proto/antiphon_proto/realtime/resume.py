"""What `session.created` says about going on after the connection is lost: an addition of ours."""

from typing import Literal

from msgspec import UNSET, Struct, UnsetType


class Resume(Struct, frozen=True, kw_only=True):
    """`session.resume`.

    `token` goes into the query of a new connection, as `resume`, within `seconds` of the loss.
    `resumed` says how a session came to go on: at the worker that held it, or at another from
    what was written down of it. `complete` says whether the client hears all that it missed.
    """

    token: str
    seconds: int
    resumed: Literal["replayed", "restored"] | UnsetType = UNSET
    complete: bool | UnsetType = UNSET
