"""The steps one by one, and as a whole with processes that read late, restart and come anew."""

from dataclasses import dataclass, field
from random import Random

import pytest

from antiphon.key_file_text import KeyAge, KeyFileText
from antiphon.key_rotation import (
    Due,
    KeyReport,
    Patience,
    RotationError,
    Settled,
    Step,
    Tier,
    Waiting,
    appended,
    next_step,
)
from antiphon_proto.cluster_keys import ClusterKeys, Layout
from antiphon_proto.keys_in_force import keys_in_force

FIRST, SECRET = bytes(32), bytes([1]) * 32
LIFETIME_S = 4200.0
PATIENCE = Patience(settle_s=120.0)
NOW = 1_795_000_000.0


def generated() -> KeyFileText:
    return KeyFileText.parse(ClusterKeys.generate(FIRST))


def report(tier: Tier, file: KeyFileText, failure: str | None = None) -> KeyReport:
    keys = frozenset(keys_in_force(file.keys))
    lifetime_s = LIFETIME_S if tier is Tier.TRANSCEIVER else 0.0
    if failure:
        return KeyReport(tier, tier.value, failure=failure)
    return KeyReport(tier, tier.value, keys, lifetime_s)


def both(file: KeyFileText) -> list[KeyReport]:
    return [report(Tier.RELAY, file), report(Tier.TRANSCEIVER, file)]


def taken(file: KeyFileText, reports: list[KeyReport], now: float, step: Step) -> KeyFileText:
    due = next_step(file, reports, now, PATIENCE)
    assert isinstance(due, Due)
    assert due.step is step
    return due.file


def test_a_rotation_adds_promotes_retires_and_removes() -> None:
    first = generated()
    assert next_step(first, both(first), NOW, PATIENCE) == Settled()
    added = appended(first, SECRET, NOW).file
    assert [line.config.id for line in added.lines] == [0, 1, 2, 3, 4, 5]
    assert added.keys.minting(Layout.IPV4).id == 0
    promoted = taken(added, both(added), NOW + 120, Step.PROMOTE)
    assert [line.config.id for line in promoted.lines] == [3, 4, 5, 0, 1, 2]
    retired = taken(promoted, both(promoted), NOW + 130, Step.RETIRE)
    assert next_step(retired, both(retired), NOW + 130 + 4319, PATIENCE) == Waiting(
        Step.REMOVE, until=NOW + 130 + 4320
    )
    removed = taken(retired, both(retired), NOW + 130 + 4320, Step.REMOVE)
    assert [(line.config.id, line.config.secret) for line in removed.lines] == [
        (3, SECRET),
        (4, SECRET),
        (5, SECRET),
    ]
    assert next_step(removed, both(removed), NOW, PATIENCE) == Settled()


def test_the_state_is_all_in_the_text() -> None:
    file = appended(generated(), SECRET, NOW).file
    now = NOW
    steps = []
    while file.aged(KeyAge.NEW) or file.aged(KeyAge.OLD):
        file = KeyFileText.parse(str(file))
        match next_step(file, both(file), now, PATIENCE):
            case Due(step, file):
                steps.append(step)
            case Waiting(until=until):
                assert until is not None
                now = until
    assert steps == [Step.PROMOTE, Step.RETIRE, Step.REMOVE]


def test_ids_that_are_gone_rest_for_as_long_as_there_are_others() -> None:
    file, firsts = generated(), []
    for _ in range(4):
        file = appended(file, SECRET, NOW).file
        ids = [line.config.id for line in file.aged(KeyAge.NEW)]
        firsts.append(ids)
        file = KeyFileText(file.comments, tuple(line.marked(None) for line in file.lines[-3:]))
    assert firsts == [[3, 4, 5], [6, 0, 1], [2, 3, 4], [5, 6, 0]]


@pytest.mark.parametrize("late", [Tier.RELAY, Tier.TRANSCEIVER])
def test_new_lines_mint_only_when_everybody_reads_by_them(late: Tier) -> None:
    first = generated()
    added = appended(first, SECRET, NOW).file
    reports = [report(tier, first if tier is late else added) for tier in Tier]
    assert next_step(added, reports, NOW + 1e6, PATIENCE) == Waiting(
        Step.PROMOTE, (f"{late.value} {late.value}: has no config id 3, 4, 5 yet",)
    )


def test_new_lines_do_not_mint_while_processes_may_start_without_them() -> None:
    added = appended(generated(), SECRET, NOW).file
    assert next_step(added, both(added), NOW + 119, PATIENCE) == Waiting(
        Step.PROMOTE, until=NOW + 120
    )


def test_old_lines_count_from_when_the_last_one_minted_by_them() -> None:
    added = appended(generated(), SECRET, NOW).file
    promoted = taken(added, both(added), NOW + 120, Step.PROMOTE)
    reports = [report(Tier.RELAY, promoted), report(Tier.TRANSCEIVER, added)]
    waiting = next_step(promoted, reports, NOW + 1e6, PATIENCE)
    assert isinstance(waiting, Waiting)
    assert waiting.reasons == (
        "transceiver transceiver: mints by config id 0, 1, 2, not by 3, 4, 5",
    )


def test_their_time_begins_anew_when_somebody_mints_by_them_again() -> None:
    added = appended(generated(), SECRET, NOW).file
    promoted = taken(added, both(added), NOW + 120, Step.PROMOTE)
    retired = taken(promoted, both(promoted), NOW + 130, Step.RETIRE)
    reports = [report(Tier.RELAY, retired), report(Tier.TRANSCEIVER, added)]
    recalled = taken(retired, reports, NOW + 1e6, Step.RECALL)
    assert recalled == promoted


@pytest.mark.parametrize("silent", [Tier.RELAY, Tier.TRANSCEIVER])
def test_no_step_is_taken_past_a_process_that_says_nothing(silent: Tier) -> None:
    file = appended(generated(), SECRET, NOW).file
    for number, step in enumerate((Step.PROMOTE, Step.RETIRE, Step.REMOVE), start=1):
        now = NOW + number * LIFETIME_S * 2
        reports = [report(t, file, "no answer" if t is silent else None) for t in Tier]
        expected = Waiting(step, (f"{silent.value} {silent.value}: no answer",))
        assert next_step(file, reports, now, PATIENCE) == expected
        file = taken(file, both(file), now, step)


@pytest.mark.parametrize("absent", [Tier.RELAY, Tier.TRANSCEIVER])
def test_nobody_found_is_not_everybody(absent: Tier) -> None:
    file = appended(generated(), SECRET, NOW).file
    reports = [report(tier, file) for tier in Tier if tier is not absent]
    expected = Waiting(Step.PROMOTE, (f"no {absent.value} was found",))
    assert next_step(file, reports, NOW + 1e6, PATIENCE) == expected


def test_another_secret_under_the_same_id_is_noticed() -> None:
    file, other = generated(), KeyFileText.parse(ClusterKeys.generate(SECRET))
    settled = next_step(
        file, [report(Tier.RELAY, other), report(Tier.TRANSCEIVER, file)], NOW, PATIENCE
    )
    assert isinstance(settled, Settled)
    assert "another secret" in settled.reasons[0]


def test_a_floor_keeps_old_lines_longer() -> None:
    added = appended(generated(), SECRET, NOW).file
    promoted = taken(added, both(added), NOW + 120, Step.PROMOTE)
    retired = taken(promoted, both(promoted), NOW + 130, Step.RETIRE)
    patience = Patience(settle_s=120, keep_s=10_000)
    assert next_step(retired, both(retired), NOW + 130, patience) == Waiting(
        Step.REMOVE, until=NOW + 130 + 10_000 + 120
    )


@pytest.mark.parametrize(
    "text",
    [
        f"0 ipv4 {'00' * 32}\n3 ipv4 {'11' * 32}\n",
        f"0 ipv4 {'00' * 32} # old\n3 ipv4 {'11' * 32} # new since 2026-11-21T20:40:00Z\n",
    ],
)
def test_a_file_that_does_not_tell_old_from_new_is_left_alone(text: str) -> None:
    file = KeyFileText.parse(text)
    with pytest.raises(RotationError, match="by hand"):
        next_step(file, both(file), NOW, PATIENCE)
    with pytest.raises(RotationError):
        appended(file, SECRET, NOW)


def test_a_rotation_begun_by_hand_is_finished_once_it_is_marked() -> None:
    file = KeyFileText.parse(f"3 ipv4 {'11' * 32}\n0 ipv4 {'00' * 32} # old\n")
    taken(file, both(file), NOW, Step.RETIRE)


def test_none_is_begun_while_one_is_under_way() -> None:
    file = appended(generated(), SECRET, NOW).file
    with pytest.raises(RotationError, match="under way"):
        appended(file, SECRET, NOW)


@dataclass
class Process:
    """Reads the file late, and mints all the time."""

    tier: Tier
    file: KeyFileText
    made: dict[bytes, float] = field(default_factory=dict)
    """When it last minted with a secret."""

    def report(self) -> KeyReport:
        return report(self.tier, self.file)


@pytest.mark.parametrize("seed", range(20))
def test_whatever_is_in_use_is_read_everywhere_all_the_time(seed: int) -> None:
    random = Random(seed)
    stored, now = generated(), NOW
    earlier: list[tuple[float, KeyFileText]] = [(now, stored)]
    processes = [Process(tier, stored) for tier in Tier for _ in range(3)]
    rotations = 0
    while rotations < 3:
        now += random.choice((1.0, 5.0, 60.0, 600.0))
        for process in processes:
            if random.random() < 0.5:
                process.file = stored
            elif random.random() < 0.02:
                # Starts anew, by what it may still find of the file.
                process.file = next(
                    f for at, f in reversed(earlier) if at <= now - 120 or f is earlier[0][1]
                )
            if process.tier is Tier.TRANSCEIVER:
                process.made[process.file.keys.first.secret] = now
        in_use = {
            secret
            for process in processes
            for secret, at in process.made.items()
            if now - at <= LIFETIME_S
        }
        for process in processes:
            assert in_use <= {config.secret for config in process.file.keys.configs}
        reports = [process.report() for process in processes if random.random() < 0.95]
        if len(reports) < len(processes):
            reports.append(KeyReport(Tier.RELAY, "x", failure="no answer"))
        match next_step(stored, reports, now, PATIENCE):
            case Settled(()):
                rotations += 1
                stored = appended(stored, random.randbytes(32), now).file
            case Due(_, stored):
                pass
            case _:
                continue
        earlier.append((now, stored))
