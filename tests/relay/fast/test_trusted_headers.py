from random import Random
from typing import Any

import numpy as np
import pytest

pytest.importorskip("numba")

from relay.fast.numba_code import kept
from relay.fast.trusted_headers import (
    MAX_HEADERS,
    distrust_all,
    is_trusted,
    new_trusted_headers,
    trust,
)

SEED = np.uint64(7)
HEADERS = [Random(number).randbytes(20) for number in range(MAX_HEADERS + 1)]


@kept
def trust_one(trusted: Any, seed: Any, header: Any) -> None:
    trust(trusted, seed, header)


@kept
def trusts_at(trusted: Any, seed: Any, data: Any, at: int) -> bool:
    return is_trusted(trusted, seed, data, at)


@kept
def distrust(trusted: Any) -> None:
    distrust_all(trusted)


class Headers:
    def __init__(self) -> None:
        self._trusted = new_trusted_headers()

    def trust(self, header: bytes) -> None:
        trust_one(self._trusted, SEED, np.frombuffer(header, np.uint8))

    def trusts(self, header: bytes) -> bool:
        data = np.frombuffer(b"before" + header + b"after", np.uint8)
        return bool(trusts_at(self._trusted, SEED, data, len(b"before")))

    def distrust(self) -> None:
        distrust(self._trusted)


def test_trusts_what_it_was_told_to() -> None:
    headers = Headers()
    headers.trust(HEADERS[0])
    headers.trust(HEADERS[0])

    assert headers.trusts(HEADERS[0])
    assert not headers.trusts(HEADERS[1])


@pytest.mark.parametrize("at", range(20))
def test_each_byte_matters(at: int) -> None:
    headers = Headers()
    headers.trust(HEADERS[0])
    changed = bytearray(HEADERS[0])
    changed[at] ^= 1

    assert not headers.trusts(bytes(changed))


def test_an_empty_place_is_no_header() -> None:
    assert not Headers().trusts(bytes(20))


def test_forgets_all() -> None:
    headers = Headers()
    headers.trust(HEADERS[0])
    headers.distrust()

    assert not headers.trusts(HEADERS[0])


def test_forgets_the_others_rather_than_fill_up() -> None:
    headers = Headers()
    for header in HEADERS[:-1]:
        headers.trust(header)
    assert all(map(headers.trusts, HEADERS[:-1]))

    headers.trust(HEADERS[-1])
    assert headers.trusts(HEADERS[-1])
    assert not headers.trusts(HEADERS[0])
