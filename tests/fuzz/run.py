"""Feeds mutated seeds to every fuzz target beside this file.

    python -m tests.fuzz.run [--count N] [--seed S] [target ...]

A target is a file `fuzz_<parser>.py` with `one_input(data: bytes) -> None`, which
raises only on a bug, and optionally `SEEDS: list[bytes]`, valid inputs to start
from. The same count and seed give the same inputs. A failure prints the input;
`--input HEX` feeds it again.
"""

import argparse
import importlib.util
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

PREFIX = "fuzz_"
MAX_LENGTH = 4096
_EDGES = (0, 1, 3, 4, 7, 8, 16, 20, 0x7F, 0x80, 0xFE, 0xFF)


@dataclass(frozen=True, slots=True)
class Target:
    """One parser under test."""

    name: str
    one_input: Callable[[bytes], None]
    seeds: Sequence[bytes]


class FuzzError(Exception):
    """A target raised; the cause is the bug."""

    def __init__(self, target: Target, data: bytes) -> None:
        super().__init__(f"{target.name} failed on --input {data.hex() or repr('')}")


def discover(folder: Path) -> list[Target]:
    """Every target in `folder`, by name."""
    return [_load(path) for path in sorted(folder.glob(f"{PREFIX}*.py"))]


def _load(path: Path) -> Target:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    name = path.stem.removeprefix(PREFIX)
    return Target(name, module.one_input, getattr(module, "SEEDS", [b""]))


def fuzz(target: Target, count: int, seed: int) -> None:
    """Feed `count` inputs to a target. Raises FuzzError at the first bug."""
    for data in inputs(target, count, seed):
        feed(target, data)


def feed(target: Target, data: bytes) -> None:
    """Feed one input to a target. Raises FuzzError."""
    try:
        target.one_input(data)
    except Exception as error:
        raise FuzzError(target, data) from error


def inputs(target: Target, count: int, seed: int) -> Iterator[bytes]:
    """The seeds as they are, then mutations of them."""
    random = Random(f"{seed}/{target.name}")
    for number in range(count):
        if number < len(target.seeds):
            yield target.seeds[number]
        else:
            yield mutated(random, target.seeds)


def mutated(random: Random, seeds: Sequence[bytes]) -> bytes:
    """One of the seeds, changed in a few places."""
    data = bytearray(random.choice(seeds))
    for _ in range(random.choice((1, 1, 2, 3, 8))):
        random.choice(_MUTATIONS)(random, data, seeds)
    return bytes(data[:MAX_LENGTH])


def _flip_bit(random: Random, data: bytearray, _seeds: Sequence[bytes]) -> None:
    if data:
        data[random.randrange(len(data))] ^= 1 << random.randrange(8)


def _set_edge(random: Random, data: bytearray, _seeds: Sequence[bytes]) -> None:
    if data:
        data[random.randrange(len(data))] = random.choice(_EDGES)


def _set_length(random: Random, data: bytearray, _seeds: Sequence[bytes]) -> None:
    """Write a number near the input's length where a length field may be."""
    if len(data) >= 2:
        at = random.randrange(len(data) - 1)
        number = max(0, len(data) - at + random.randrange(-24, 8))
        data[at : at + 2] = number.to_bytes(2, "big")


def _truncate(random: Random, data: bytearray, _seeds: Sequence[bytes]) -> None:
    del data[random.randint(0, len(data)) :]


def _delete(random: Random, data: bytearray, _seeds: Sequence[bytes]) -> None:
    start, end = _span(random, data)
    del data[start:end]


def _repeat(random: Random, data: bytearray, _seeds: Sequence[bytes]) -> None:
    start, end = _span(random, data)
    data[end:end] = data[start:end]


def _insert(random: Random, data: bytearray, _seeds: Sequence[bytes]) -> None:
    at = random.randint(0, len(data))
    data[at:at] = random.randbytes(random.choice((1, 2, 4, 16, 64)))


def _splice(random: Random, data: bytearray, seeds: Sequence[bytes]) -> None:
    other = random.choice(seeds)
    data[random.randint(0, len(data)) :] = other[random.randint(0, len(other)) :]


def _span(random: Random, data: bytearray) -> tuple[int, int]:
    start = random.randint(0, len(data))
    return start, min(len(data), start + random.choice((1, 2, 4, 8, 32)))


_MUTATIONS = (
    _flip_bit,
    _set_edge,
    _set_length,
    _truncate,
    _delete,
    _repeat,
    _insert,
    _splice,
)


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=20_000, help="inputs for each target")
    parser.add_argument("--seed", type=int, default=0, help="chooses other mutations")
    parser.add_argument("--input", type=bytes.fromhex, help="feed these bytes, in hex, instead")
    parser.add_argument("targets", nargs="*", help="parsers to test, all by default")
    options = parser.parse_args(argv)
    targets = discover(Path(__file__).parent)
    unknown = set(options.targets) - {target.name for target in targets}
    if unknown:
        parser.error(f"no such target: {', '.join(sorted(unknown))}")
    for target in targets:
        if options.targets and target.name not in options.targets:
            continue
        started = time.monotonic()
        if options.input is None:
            fuzz(target, options.count, options.seed)
        else:
            feed(target, options.input)
        count = options.count if options.input is None else 1
        print(f"{target.name:20} {count:8} inputs {time.monotonic() - started:8.1f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
