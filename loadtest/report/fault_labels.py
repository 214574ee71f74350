"""What faults are called in plots, tables and sentences."""

from collections.abc import Sequence

from loadtest.measures.detail import shown
from loadtest.result import FaultRecord

MOST_WRITTEN_OUT = 3
"""More of them have numbers in plots, which the table explains."""


def fault_words(fault: FaultRecord) -> str:
    """`restart relay`."""
    return shown(f"{fault.action.replace('_', ' ')} {fault.tier}")


def plot_labels(faults: Sequence[FaultRecord]) -> list[str]:
    if len(faults) <= MOST_WRITTEN_OUT:
        return [fault_words(fault) for fault in faults]
    return [str(number) for number in range(1, len(faults) + 1)]


def table_labels(faults: Sequence[FaultRecord]) -> list[str]:
    texts = [fault_words(fault) for fault in faults]
    if len(faults) <= MOST_WRITTEN_OUT:
        return texts
    return [f"{number}. {text}" for number, text in enumerate(texts, 1)]
