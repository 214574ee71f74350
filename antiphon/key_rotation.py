"""Which step of a rotation of the cluster's keys is due: appended, promoted, retired, removed.

A relay must be able to read what a transceiver mints, and calls must be routed to their end.
So each step waits until every relay and every transceiver worker says, by its metrics, that it
has the one before. All state is in the key file: a rotation may be interrupted at any moment,
and is gone on with by whoever calls `next_step` with what the file says then.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from antiphon.key_file_text import KeyAge, KeyFileText, KeyLine, Mark
from antiphon_proto.cluster_keys import UNROUTABLE_CONFIG_ID, KeyConfig
from antiphon_proto.keys_in_force import KeyInForce, KeyUse, keys_in_force


class RotationError(ValueError):
    """The file is in a state that no rotation leaves; the text names no secret."""


class Tier(Enum):
    RELAY = "relay"
    TRANSCEIVER = "transceiver"


@dataclass(frozen=True, slots=True)
class KeyReport:
    """What one process says of its keys."""

    tier: Tier
    name: str
    """Its admin address."""
    keys: frozenset[KeyInForce] = frozenset()
    lifetime_s: float = 0.0
    """How long what it makes with a key may be in use; 0 of a relay, which makes nothing."""
    failure: str | None = None
    """Why it says nothing."""


@dataclass(frozen=True, slots=True)
class Patience:
    settle_s: float
    """How long a line must have been in the file before it mints, for the sake of processes
    that start meanwhile with an earlier copy of it."""
    keep_s: float = 0.0
    """How long an old line stays at least after it minted."""


class Step(Enum):
    APPEND = "append"
    """Add a line with a fresh secret for each layout, which reads."""
    PROMOTE = "promote"
    """Move these to the front, where they mint."""
    RETIRE = "retire"
    """Write down that nobody mints by the old lines any more."""
    RECALL = "recall"
    """Strike that out again, for somebody does."""
    REMOVE = "remove"
    """Take the old lines out."""


@dataclass(frozen=True, slots=True)
class Due:
    """A step that may be taken now: write `file`."""

    step: Step
    file: KeyFileText
    lines: tuple[KeyLine, ...]
    """That the step is about."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """For what a rotation that was begun waits."""

    step: Step
    """Which is next."""
    reasons: tuple[str, ...] = ()
    until: float | None = None
    """Unix seconds, where it waits for nothing but the time."""


@dataclass(frozen=True, slots=True)
class Settled:
    """No rotation is under way. `reasons`: processes that have not read the file as it is."""

    reasons: tuple[str, ...] = ()


def appended(file: KeyFileText, secret: bytes, now: float) -> Due:
    """Begin a rotation, with 32 secret random bytes. Raises RotationError in the midst of one."""
    if _next_step(file) is not None:
        raise RotationError("a rotation is under way")
    ids = _free_ids(file)
    layouts = [line.config.layout for line in file.lines]
    mark = Mark(KeyAge.NEW, now)
    new = tuple(KeyLine(KeyConfig(next(ids), each, secret), mark=mark) for each in layouts)
    return Due(Step.APPEND, replace(file, lines=(*file.lines, *new)), new)


def next_step(
    file: KeyFileText, reports: Sequence[KeyReport], now: float, patience: Patience
) -> Due | Waiting | Settled:
    """What is to be done about the file, by what the processes say.

    Raises RotationError for a file that says neither which lines are new nor which are old.
    """
    step = _next_step(file)
    missing = tuple(_missing(file, reports))
    if step is None:
        return Settled(missing)
    if missing:
        return _waiting(step, missing, file, reports)
    match step:
        case Step.PROMOTE:
            return _promoted(file, now, patience)
        case Step.RETIRE:
            return _remarked(step, file, Mark(KeyAge.OLD, now))
        case _:
            return _removed(file, reports, now, patience)


def _waiting(
    step: Step, missing: tuple[str, ...], file: KeyFileText, reports: Sequence[KeyReport]
) -> Due | Waiting:
    """For the processes; where one mints by an old line again, its time begins anew."""
    old = {line.config.id for line in file.aged(KeyAge.OLD)}
    minted = set().union(*(_minting(report.keys) for report in reports))
    if step is Step.REMOVE and old & minted:
        return _remarked(Step.RECALL, file, Mark(KeyAge.OLD))
    return Waiting(step, missing)


def _next_step(file: KeyFileText) -> Step | None:
    new, old = file.aged(KeyAge.NEW), file.aged(KeyAge.OLD)
    settled = [line.config.layout for line in file.unmarked]
    if (new and old) or len(set(settled)) < len(settled):
        raise RotationError(
            "several lines of a layout, and no telling which is new: finish the rotation that "
            "was begun by hand, or let the comment of each line that shall go say `old`"
        )
    if new:
        return Step.PROMOTE
    if not old:
        return None
    return (
        Step.RETIRE if any(line.mark and line.mark.since is None for line in old) else Step.REMOVE
    )


def _free_ids(file: KeyFileText) -> Iterator[int]:
    """Those not in the file, beginning behind the last one of it: what is gone rests longest.

    Raises RotationError where there is none left.
    """
    used = {line.config.id for line in file.lines}
    last = file.lines[-1].config.id
    for offset in range(1, UNROUTABLE_CONFIG_ID + 1):
        if (config_id := (last + offset) % UNROUTABLE_CONFIG_ID) not in used:
            yield config_id
    raise RotationError("no config id is free")


def _promoted(file: KeyFileText, now: float, patience: Patience) -> Due | Waiting:
    new = file.aged(KeyAge.NEW)
    until = _latest(new) + patience.settle_s
    if now < until:
        return Waiting(Step.PROMOTE, until=until)
    lines = (
        *(line.marked(None) for line in new),
        *(line.marked(Mark(KeyAge.OLD)) for line in file.unmarked),
    )
    return Due(Step.PROMOTE, replace(file, lines=lines), new)


def _removed(
    file: KeyFileText, reports: Sequence[KeyReport], now: float, patience: Patience
) -> Due | Waiting:
    kept_s = max(patience.keep_s, *(report.lifetime_s for report in reports))
    until = _latest(file.aged(KeyAge.OLD)) + kept_s + patience.settle_s
    if now < until:
        return Waiting(Step.REMOVE, until=until)
    return Due(Step.REMOVE, replace(file, lines=file.unmarked), file.aged(KeyAge.OLD))


def _latest(lines: Sequence[KeyLine]) -> float:
    return max((line.mark.since or 0.0) if line.mark else 0.0 for line in lines)


def _remarked(step: Step, file: KeyFileText, mark: Mark) -> Due:
    old = file.aged(KeyAge.OLD)
    lines = tuple(line.marked(mark) if line in old else line for line in file.lines)
    return Due(step, replace(file, lines=lines), old)


def _missing(file: KeyFileText, reports: Sequence[KeyReport]) -> Iterator[str]:
    """Why it cannot be said of all processes that they use the file as it is."""
    wanted = frozenset(keys_in_force(file.keys))
    for tier in Tier:
        if not any(report.tier is tier for report in reports):
            yield f"no {tier.value} was found"
    for report in reports:
        if report.failure is not None:
            yield f"{report.tier.value} {report.name}: {report.failure}"
        elif report.keys != wanted:
            yield f"{report.tier.value} {report.name}: {_difference(wanted, report.keys)}"


def _difference(wanted: frozenset[KeyInForce], found: frozenset[KeyInForce]) -> str:
    if lacking := _ids(wanted) - _ids(found):
        return f"has no config id {_listed(lacking)} yet"
    if surplus := _ids(found) - _ids(wanted):
        return f"has config id {_listed(surplus)} still"
    if _minting(wanted) != _minting(found):
        return f"mints by config id {_listed(_minting(found))}, not by {_listed(_minting(wanted))}"
    return "has another secret, or layout, under one of the config ids"


def _ids(keys: frozenset[KeyInForce]) -> set[int]:
    return {key.config_id for key in keys}


def _minting(keys: frozenset[KeyInForce]) -> set[int]:
    return {key.config_id for key in keys if key.use is KeyUse.MINT}


def _listed(ids: set[int]) -> str:
    return ", ".join(map(str, sorted(ids)))
