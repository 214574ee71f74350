import pytest

from tests.transceiver.sip.transport_driver import PHONE, WORKERS, Connection, request, response
from transceiver.sip.connection_table import (
    IDLE_S,
    MAX_CONNECTIONS,
    MAX_OF_ONE_SOURCE,
    MAX_UNSENT_BYTES,
    REFUSED_S,
    SILENT_S,
    ConnectionTable,
)

HERE, NEXT, _ = WORKERS


@pytest.fixture
def table() -> ConnectionTable:
    return ConnectionTable()


def opened(table: ConnectionTable, connection: Connection | None = None, now: float = 0.0) -> int:
    number = table.opened(connection or Connection(), PHONE[0], now)
    assert number is not None
    return number


def test_numbers_are_never_used_twice(table: ConnectionTable) -> None:
    first = opened(table)
    table.closed(first)
    assert opened(table) not in (0, first)


def test_who_used_a_connection_is_told_of_its_end_once(table: ConnectionTable) -> None:
    number = opened(table)
    table.heard(number, NEXT, 0.0)
    assert table.send(number, response(), HERE, 0.0)
    assert table.closed(number) == {HERE, NEXT}
    assert table.closed(number) == set()
    assert table.send(number, response(), HERE, 0.0) is False


def test_one_source_does_not_take_all(table: ConnectionTable) -> None:
    numbers = [opened(table) for _ in range(MAX_OF_ONE_SOURCE)]
    assert table.opened(Connection(), PHONE[0], 0.0) is None
    assert table.opened(Connection(), PHONE[0], 0.0, ours=True) is not None
    assert table.opened(Connection(), "192.0.2.9", 0.0) is not None
    table.closed(numbers[0])
    opened(table)
    assert table.opened(Connection(), PHONE[0], 0.0) is None
    # Phones behind one address, once they are let in.
    for answer in (response(401), response(200), response(200)):
        table.send(numbers[1], answer, HERE, 0.0)
    opened(table)
    assert table.opened(Connection(), PHONE[0], 0.0) is None
    table.closed(numbers[1])
    assert table.opened(Connection(), PHONE[0], 0.0) is None


def test_all_together_are_bounded(table: ConnectionTable) -> None:
    for number in range(MAX_CONNECTIONS):
        assert table.opened(Connection(), f"10.0.{number >> 8}.{number & 255}", 0.0)
    assert table.opened(Connection(), PHONE[0], 0.0, ours=True) is None
    assert len(table) == MAX_CONNECTIONS


@pytest.mark.parametrize(
    ("heard", "answer", "seconds"),
    [
        (False, None, SILENT_S),
        (True, None, REFUSED_S),
        (True, response(401), REFUSED_S),
        (True, response(100), REFUSED_S),
        (True, response(200), IDLE_S),
        (True, response(180), IDLE_S),
        (True, request("OPTIONS"), IDLE_S),
    ],
)
def test_connections_last_as_long_as_they_are_of_use(
    table: ConnectionTable, heard: bool, answer: bytes | None, seconds: float
) -> None:
    connection = Connection()
    number = opened(table, connection)
    if heard:
        table.heard(number, HERE, 0.0)
    if answer is not None:
        table.send(number, answer, HERE, 0.0)
    assert table.is_granted(number) is (seconds == IDLE_S)
    assert list(table.overdue(seconds)) == []
    assert list(table.overdue(seconds + 0.1)) == [connection]
    table.kept_alive(number, seconds)
    assert list(table.overdue(seconds + 0.1)) == ([] if seconds == IDLE_S else [connection])


def test_a_peer_that_does_not_read_is_cut_off(table: ConnectionTable) -> None:
    connection = Connection(unsent_bytes=MAX_UNSENT_BYTES + 1)
    number = opened(table, connection)
    assert table.send(number, response(), HERE, 0.0) is None
    assert connection.aborted
    assert connection.written == []
