from random import Random
from typing import Any

import numpy as np
import pytest

pytest.importorskip("numba")

from relay.fast.layouts import MAX_HEADER_BYTES, NONE
from relay.fast.numba_code import kept
from relay.fast.passages import (
    MAX_PASSAGES,
    close_all,
    find_passage,
    new_passages,
    open_passage,
)

SEED = np.uint64(7)
PREFIXES = [Random(number).randbytes(38) for number in range(MAX_PASSAGES + 1)]
NAME = bytes(range(16))


@kept
def open_one(passages: Any, seed: Any, prefix: Any, name: Any, header: Any, to_owner: bool) -> None:
    open_passage(passages, seed, prefix, name, header, to_owner)


@kept
def find_at(passages: Any, seed: Any, data: Any, at: int, length: int) -> int:
    return find_passage(passages, seed, data, at, length)


@kept
def close(passages: Any) -> None:
    close_all(passages)


def array(text: bytes) -> Any:
    return np.frombuffer(text, np.uint8)


class Passages:
    def __init__(self) -> None:
        self.records = new_passages()

    def open(self, prefix: bytes, header: bytes = b"header", *, to_owner: bool = True) -> None:
        open_one(self.records, SEED, array(prefix), array(NAME), array(header), to_owner)

    def find(self, prefix: bytes) -> Any | None:
        data = array(b"before" + prefix + b"after")
        slot = find_at(self.records, SEED, data, len(b"before"), len(prefix))
        return None if slot == NONE else self.records[slot]


def test_one_is_found_by_all_that_it_begins_with() -> None:
    passages = Passages()
    passages.open(PREFIXES[0], b"first")
    passages.open(PREFIXES[1], b"second", to_owner=False)
    first, second = passages.find(PREFIXES[0]), passages.find(PREFIXES[1])
    assert bytes(first["header"][: first["header_bytes"]]) == b"first"
    assert bytes(second["header"][: second["header_bytes"]]) == b"second"
    assert (first["to_owner"], second["to_owner"]) == (1, 0)
    assert bytes(first["name"][:16]) == NAME
    assert passages.find(PREFIXES[2]) is None
    assert passages.find(PREFIXES[0][:-1]) is None
    for at in range(len(PREFIXES[0])):
        other = bytearray(PREFIXES[0])
        other[at] ^= 1
        assert passages.find(bytes(other)) is None


def test_what_goes_on_may_change() -> None:
    passages = Passages()
    for header in (b"before", b"after"):
        passages.open(PREFIXES[0], header)
    found = passages.find(PREFIXES[0])
    assert bytes(found["header"][: found["header_bytes"]]) == b"after"


def test_they_are_closed_to_make_room() -> None:
    passages = Passages()
    for prefix in PREFIXES[:-1]:
        passages.open(prefix)
    assert all(passages.find(prefix) is not None for prefix in PREFIXES[:-1])
    passages.open(PREFIXES[-1])
    assert [prefix for prefix in PREFIXES if passages.find(prefix) is not None] == PREFIXES[-1:]
    close(passages.records)
    assert passages.find(PREFIXES[-1]) is None


def test_what_is_longer_than_any_is_none() -> None:
    passages, prefix = Passages(), bytes(MAX_HEADER_BYTES + 1)
    passages.open(prefix)
    assert passages.find(prefix) is None
