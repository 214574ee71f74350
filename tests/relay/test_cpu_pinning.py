import pytest

from relay.cpu_pinning import CpuPinning


@pytest.mark.parametrize("text", ["auto", "off", "3", "2,4,5,6"])
def test_writes_what_it_reads(text: str) -> None:
    assert str(CpuPinning.parse(text)) == text


def test_reads_ranges() -> None:
    assert CpuPinning.parse("2, 4-6").cpus == (2, 4, 5, 6)


def test_a_list_is_taken_in_its_order_whatever_else_is_allowed() -> None:
    pinning = CpuPinning.parse("6,2")

    assert [pinning.cpu_of(worker, 2, [0, 1]) for worker in (0, 1)] == [6, 2]


def test_auto_takes_the_allowed_in_order() -> None:
    pinning = CpuPinning.parse("auto")

    assert [pinning.cpu_of(worker, 2, [7, 3, 5]) for worker in (0, 1)] == [3, 5]


def test_auto_leaves_more_workers_than_cpus_to_the_kernel() -> None:
    assert CpuPinning.parse("auto").cpu_of(0, 3, [0, 1]) is None


def test_off_pins_nothing() -> None:
    assert CpuPinning.parse("off").cpu_of(0, 1, [0, 1]) is None
