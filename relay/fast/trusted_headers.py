"""The headers that verified tunnel datagrams began with.

A sender's header is constant, so one that was verified once need not be again. As in
`antiphon_proto.tunnel`, a forger cannot learn one from the time that this takes: the
place of a header is a keyed hash of all of it.
"""

from typing import Any

import numpy as np

from relay.fast.client_key import bucket_of
from relay.fast.compiling import jit
from relay.fast.layouts import TRUSTED, i64
from relay.fast.packet import u32_at, u64_at

MAX_HEADERS = 4096
"""As many as a receiver remembers; all are forgotten to make room for one more."""

_PLACES = 2 * MAX_HEADERS


def new_trusted_headers() -> Any:
    return np.zeros(_PLACES, TRUSTED)


@jit
def _place(trusted: Any, seed: Any, header: Any, at: int) -> int:
    """Where this header is, or would be."""
    first, second = u64_at(header, at), u64_at(header, at + 8)
    third = u32_at(header, at + 16)
    place = bucket_of(seed, first, second, np.uint64(third), trusted)
    while trusted[place].held and not (
        trusted[place].first == first
        and trusted[place].second == second
        and trusted[place].third == third
    ):
        place = (place + 1) % len(trusted)
    return i64(place)


@jit
def is_trusted(trusted: Any, seed: Any, data: Any, at: int) -> bool:
    """Whether `data` holds a trusted header at `at`; it must hold as many bytes."""
    return bool(trusted[_place(trusted, seed, data, at)].held)


@jit
def trust(trusted: Any, seed: Any, header: Any) -> None:
    """Remember one."""
    place = _place(trusted, seed, header, 0)
    if trusted[place].held:
        return
    held = 0
    for each in range(len(trusted)):
        held += trusted[each].held
    if held >= MAX_HEADERS:
        distrust_all(trusted)
        place = _place(trusted, seed, header, 0)
    entry = trusted[place]
    entry.first, entry.second = u64_at(header, 0), u64_at(header, 8)
    entry.third, entry.held = u32_at(header, 16), 1


@jit
def distrust_all(trusted: Any) -> None:
    """Forget all."""
    for place in range(len(trusted)):
        trusted[place].held = 0
