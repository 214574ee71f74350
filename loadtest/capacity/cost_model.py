"""What calls cost each tier, as measured: a file of JSON."""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from loadtest.capacity.demand import IDLE, Demand


class CostModelError(ValueError):
    """A file that is no model, or a model that does not know what is asked; the text says which."""


class Source(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A run, or a page of figures, that the model was made from."""

    name: str
    label: str = ""
    started_at: str = ""
    seconds: float = 0.0
    peak_sessions: int = 0


class TierCost(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One tier's."""

    cpu_seconds: dict[str, float]
    """By unit of `loadtest.capacity.demand`; of `idle`, the cores of a tier without a call."""
    memory_bytes: float = 0.0
    """Resident, without a session."""
    memory_bytes_a_session: float = 0.0
    explained: float | None = None
    """What part of the CPU's variance over the fitted windows the model accounts for (R²)."""
    entangled: tuple[tuple[str, str], ...] = ()
    """Units that grew in step in all runs: only the sum of their costs can be trusted."""

    def cpu(self, demand: Demand) -> float:
        """CPU seconds for so much. What the model has no cost of costs nothing."""
        return sum(cost * demand.get(unit, 0.0) for unit, cost in self.cpu_seconds.items())

    @property
    def idle_cores(self) -> float:
        return self.cpu_seconds.get(IDLE, 0.0)


class CostModel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All tiers'."""

    schema: int = 1
    machine: dict[str, str | float]
    made_by: str
    """The command."""
    sources: tuple[Source, ...]
    tiers: dict[str, TierCost]
    packets_a_second: dict[str, float] = {}
    """Of one session, both ways, by unit: of `webrtc.speaking` and so on."""
    notes: tuple[str, ...] = ()

    def tier(self, name: str) -> TierCost:
        """Raises CostModelError."""
        if name not in self.tiers:
            raise CostModelError(f"the model has no tier {name!r}; it has {', '.join(self.tiers)}")
        return self.tiers[name]


def read(path: Path) -> CostModel:
    """Raises CostModelError, also for files that cannot be read."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=CostModel)
    except (OSError, msgspec.DecodeError) as error:
        raise CostModelError(f"{path}: {error}") from error


def write(model: CostModel, path: Path) -> None:
    """Rounded to what can be known, so that the file reads well."""
    tiers = {name: _rounded(tier) for name, tier in model.tiers.items()}
    packets = _significant(model.packets_a_second)
    rounded = msgspec.structs.replace(model, tiers=tiers, packets_a_second=packets)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(rounded), indent=2) + b"\n")


def _rounded(tier: TierCost) -> TierCost:
    return msgspec.structs.replace(
        tier,
        cpu_seconds=_significant(tier.cpu_seconds),
        memory_bytes=round(tier.memory_bytes),
        memory_bytes_a_session=round(tier.memory_bytes_a_session),
        explained=None if tier.explained is None else round(tier.explained, 4),
    )


def _significant(numbers: Mapping[str, float]) -> dict[str, float]:
    return {name: float(f"{number:.4g}") for name, number in numbers.items()}
