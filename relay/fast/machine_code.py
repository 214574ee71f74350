"""The machine code of all entry points: kept on disk, and loaded.

The name of what is kept says what every source of the fast path held. The code is for any
processor of the architecture, so that an image may be built on one machine and run on another.
"""

import hashlib
import importlib
import logging
import os
import platform
from functools import cache
from pathlib import Path

import llvmlite.binding as llvm
import msgspec

from chassis.compiled_code import place_of
from relay.fast.entry_point import ENTRY_POINTS

logger = logging.getLogger(__name__)

PACKAGE = Path(__file__).parent
_MODULES = ("relay.fast.loop", "relay.fast.path_calls", "relay.fast.table_calls")
"""That have entry points."""

_CONSTANTS = (
    "antiphon_proto.demux",
    "antiphon_proto.stun",
    "antiphon_proto.tunnel",
    "relay.address_key",
    "relay.counters",
    "relay.drop_reason",
    "relay.flows",
    "relay.receive_buffers",
    "relay.table_snapshot",
)
"""Modules outside of the package whose values are compiled in."""

_ENGINES: list[llvm.ExecutionEngine] = []
"""They have the code that runs."""


class MachineCode(msgspec.Struct, frozen=True):
    """Of one entry point."""

    symbol: str
    elf: bytes
    """An object file that has it."""


@cache
def addresses() -> dict[str, int]:
    """Of the entry points, by their names; what was not kept is compiled, in half a minute."""
    for module in _MODULES:
        importlib.import_module(module)
    return loaded(_kept() or _compiled())


def loaded(codes: dict[str, MachineCode]) -> dict[str, int]:
    """Where the code of each name is now, for as long as this process lives."""
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), target_machine())
    _ENGINES.append(engine)
    for code in codes.values():
        engine.add_object_file(llvm.ObjectFileRef.from_data(code.elf))
    engine.finalize_object()
    return {name: engine.get_function_address(code.symbol) for name, code in codes.items()}


def target_machine() -> llvm.TargetMachine:
    """Any processor of this architecture."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    target = llvm.Target.from_triple(llvm.get_process_triple())
    return target.create_target_machine(
        cpu="generic", features="", opt=3, jit=True, codemodel="jitdefault"
    )


@cache
def sources_digest(*more: Path) -> str:
    """Of every source whose change changes the machine code, and of `more`."""
    digest = hashlib.sha256(platform.machine().encode())
    constants = [Path(str(importlib.import_module(name).__file__)) for name in _CONSTANTS]
    for each in [*sorted(PACKAGE.glob("*.py")), *constants, *more]:
        digest.update(each.read_bytes())
    return digest.hexdigest()[:16]


def _file() -> Path:
    digest = sources_digest()
    place = place_of("entry_points", digest, package=PACKAGE / "__pycache__", cache_name="fast")
    return place / f"entry_points-{digest}.elf"


def _kept() -> dict[str, MachineCode] | None:
    try:
        return msgspec.msgpack.decode(_file().read_bytes(), type=dict[str, MachineCode])
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as error:
        logger.warning("the compiled fast path cannot be read, and is compiled anew: %s", error)
        return None


def _compiled() -> dict[str, MachineCode]:
    """Of all of them; keeps it, if it can."""
    from relay.fast.numba_code import compiled

    codes = {
        name: compiled(entry.function, entry.signature)
        for name, entry in ENTRY_POINTS.items()
        if entry.function.__module__ in _MODULES
    }
    try:
        _keep(codes)
    except OSError as error:
        logger.warning("the compiled fast path is not kept: %s", error)
    return codes


def _keep(codes: dict[str, MachineCode]) -> None:
    """Whole, or not at all: others may be reading."""
    written = _file().with_suffix(f".{os.getpid()}")
    written.write_bytes(msgspec.msgpack.encode(codes))
    written.rename(_file())
