from antiphon_proto.demux import PacketKind
from relay.counters import CounterTable, Direction
from relay.drop_reason import DropReason


def test_sums_over_workers() -> None:
    table = CounterTable(2)
    for index in range(2):
        worker = table.worker(index)
        worker.sent_to_owner(PacketKind.RTP, 150)
        worker.dropped(DropReason.NO_FLOW)
        worker.receive_error()
        worker.flow_table(flows=10, evictions=3)

    assert table.packets(Direction.TO_OWNER, PacketKind.RTP) == 2
    assert table.bytes(Direction.TO_OWNER, PacketKind.RTP) == 300
    assert table.drops(DropReason.NO_FLOW) == 2
    assert table.receive_errors == 2
    assert (table.flows, table.evictions) == (20, 6)


def test_every_count_has_its_own_cell() -> None:
    table = CounterTable(1)
    worker = table.worker(0)
    for number, kind in enumerate(PacketKind, start=1):
        worker.sent_to_owner(kind, number)
        worker.sent_to_client(kind, 10 * number)
    for number, reason in enumerate(DropReason, start=1):
        for _ in range(number):
            worker.dropped(reason)

    assert [table.packets(way, kind) for way in Direction for kind in PacketKind] == [1] * 10
    assert [table.bytes(Direction.TO_OWNER, kind) for kind in PacketKind] == [1, 2, 3, 4, 5]
    assert [table.bytes(Direction.TO_CLIENT, kind) for kind in PacketKind] == [10, 20, 30, 40, 50]
    assert [table.drops(reason) for reason in DropReason] == list(range(1, len(DropReason) + 1))
    assert (table.flows, table.evictions, table.receive_errors) == (0, 0, 0)


def test_a_restarted_worker_goes_on_counting() -> None:
    table = CounterTable(1)
    first = table.worker(0)
    first.sent_to_client(PacketKind.DTLS, 100)
    first.flow_table(flows=5, evictions=7)

    second = table.worker(0)
    second.sent_to_client(PacketKind.DTLS, 100)
    second.flow_table(flows=1, evictions=2)

    assert table.packets(Direction.TO_CLIENT, PacketKind.DTLS) == 2
    assert (table.flows, table.evictions) == (1, 9)
