from antiphon_proto.demux import PacketKind
from relay.counters import (
    BATCH_BOUNDS,
    MAX_CONFIG_IDS,
    CounterTable,
    Direction,
    Tally,
    Thread,
)
from relay.drop_reason import DropReason


def test_sums_over_workers_and_their_threads() -> None:
    table = CounterTable(2)
    for index in range(2):
        for thread in Thread:
            row = table.worker(index, thread)
            row.sent_to_owner(PacketKind.RTP, 150)
            row.dropped(DropReason.NO_FLOW)
            row.add(Tally.RECEIVE_ERRORS)

    assert table.packets(Direction.TO_OWNER, PacketKind.RTP) == 4
    assert table.bytes(Direction.TO_OWNER, PacketKind.RTP) == 600
    assert table.drops(DropReason.NO_FLOW) == 4
    assert table.tally(Tally.RECEIVE_ERRORS) == 4
    assert table.tally_of(1, Tally.RECEIVE_ERRORS) == 2


def test_every_count_has_its_own_cell() -> None:
    table = CounterTable(1)
    row = table.worker(0)
    for number, kind in enumerate(PacketKind, start=1):
        row.sent_to_owner(kind, number)
        row.sent_to_client(kind, 10 * number)
    for number, reason in enumerate(DropReason, start=1):
        for _ in range(number):
            row.dropped(reason)
    for number, tally in enumerate(Tally, start=1):
        row.gauge(tally, number)
    for config_id in range(MAX_CONFIG_IDS):
        for _ in range(config_id + 1):
            row.check_verified(config_id)
    for bound in BATCH_BOUNDS:
        row.batch(Direction.TO_OWNER, bound)
        for _ in range(2):
            row.batch(Direction.TO_CLIENT, bound)

    assert [table.packets(way, kind) for way in Direction for kind in PacketKind] == [1] * 10
    assert [table.bytes(Direction.TO_OWNER, kind) for kind in PacketKind] == [1, 2, 3, 4, 5]
    assert [table.bytes(Direction.TO_CLIENT, kind) for kind in PacketKind] == [10, 20, 30, 40, 50]
    assert [table.drops(reason) for reason in DropReason] == list(range(1, len(DropReason) + 1))
    assert [table.tally(tally) for tally in Tally] == list(range(1, len(Tally) + 1))
    assert [table.checks_verified(each) for each in range(MAX_CONFIG_IDS)] == [
        1,
        2,
        3,
        4,
        5,
        6,
        7,
        8,
    ]
    assert table.batches(Direction.TO_OWNER) == ([1] * len(BATCH_BOUNDS), sum(BATCH_BOUNDS))
    assert table.batches(Direction.TO_CLIENT) == ([2] * len(BATCH_BOUNDS), 2 * sum(BATCH_BOUNDS))


def test_a_restarted_worker_goes_on_counting() -> None:
    table = CounterTable(1)
    first = table.worker(0)
    first.sent_to_client(PacketKind.DTLS, 100)
    first.gauge(Tally.BOUND_FLOWS, 5)
    first.evicted(7)

    second = table.worker(0)
    second.sent_to_client(PacketKind.DTLS, 100)
    second.gauge(Tally.BOUND_FLOWS, 1)
    second.evicted(2)

    assert table.packets(Direction.TO_CLIENT, PacketKind.DTLS) == 2
    assert (table.tally(Tally.BOUND_FLOWS), table.tally(Tally.EVICTIONS)) == (1, 9)


def test_a_batch_counts_under_the_first_bound_that_holds_it() -> None:
    table = CounterTable(1)
    for datagrams in (2, 3, 4):
        table.worker(0).batch(Direction.TO_OWNER, datagrams)
    sizes, datagrams = table.batches(Direction.TO_OWNER)
    assert (sizes[1], sizes[2], datagrams) == (1, 2, 9)
