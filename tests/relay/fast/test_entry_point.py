"""Compiled code that Python calls without numba, as numba's own code would call it."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

pytest.importorskip("numba")

import numpy as np

from relay.fast import machine_code
from relay.fast.compiling import entry, jit
from relay.fast.entry_point import ENTRY_POINTS, Block, CompiledCodeError
from relay.fast.numba_code import compiled
from relay.fast.signature import Array, Like

RECORD = np.dtype([("first", "u8"), ("second", "u4")], align=True)


class Pair(NamedTuple):
    left: Any
    right: Any


@jit
def scaled(number: float, by: float) -> float:
    return number * by


@entry(Array(np.uint8), np.int64, np.float64, np.bool_, result=np.float64)
def total(octets: Any, count: Any, scale: float, negative: bool) -> float:
    found = 0
    for index in range(count):
        found += octets[index]
    return scaled(float(found), -scale if negative else scale)


@entry(Array(RECORD, readonly=True), np.int64, result=(np.uint64, np.int64, np.bool_))
def parts(records: Any, index: int) -> tuple[int, int, bool]:
    record = records[index]
    return record.first, np.int64(record.second), record.first > record.second


@entry(Array(np.int64), np.int64)
def fill(numbers: Any, value: int) -> None:
    numbers[:] = value


def example() -> Pair:
    return Pair(np.zeros(1, np.uint8), Pair(np.zeros((1, 1), np.int64), np.zeros(1, RECORD)))


@entry(Like(example))
def copy(pair: Any) -> None:
    for index in range(len(pair.left)):
        pair.right.left[index, 1] = pair.left[index]
        pair.right.right[index].second = pair.left[index]


OURS = {each.name: each for each in (total, parts, fill, copy)}


@pytest.fixture(scope="module", autouse=True)
def loaded() -> Iterator[None]:
    codes = {name: compiled(each.function, each.signature) for name, each in OURS.items()}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(machine_code, "addresses", lambda: machine_code.loaded(codes))
        yield
    for name in OURS:
        del ENTRY_POINTS[name]


def test_arrays_and_numbers_go_in_and_a_number_comes_out() -> None:
    octets = np.array([1, 2, 250], np.uint8)
    assert total(octets, 3, 0.5, False) == 126.5
    assert total(octets, 2, 2.0, True) == -6.0


def test_an_array_may_be_read_once_for_many_calls() -> None:
    octets = np.array([1, 2], np.uint8)
    block = Block.of(octets)
    assert total(block, 2, 1.0, False) == 3.0
    octets[0] = 9
    assert total(block, 2, 1.0, False) == 11.0


def test_several_numbers_come_out_each_of_its_type() -> None:
    records = np.array([(1, 2), (2**64 - 1, 2**32 - 1)], RECORD)
    assert parts(records, 0) == (1, 2, False)
    assert parts(records, 1) == (2**64 - 1, 2**32 - 1, True)


def test_what_was_written_is_there() -> None:
    numbers = np.zeros(4, np.int64)
    assert fill(numbers[1:3], -7) is None
    assert numbers.tolist() == [0, -7, -7, 0]


def test_tuples_of_arrays_go_in_member_by_member() -> None:
    table, records = np.zeros((2, 3), np.int64), np.zeros(2, RECORD)
    copy(Pair(np.array([3, 4], np.uint8), Pair(table, records)))
    assert table[:, 1].tolist() == records["second"].tolist() == [3, 4]


def test_an_index_out_of_bounds_is_an_error() -> None:
    with pytest.raises(CompiledCodeError, match=r"test_entry_point\.parts failed"):
        parts(np.zeros(1, RECORD), 1)


def test_another_array_than_declared_is_refused() -> None:
    fill._call = None
    with pytest.raises(TypeError, match="an array of float64, not of int64"):
        fill(np.zeros(1, np.float64), 1)
