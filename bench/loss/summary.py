"""Figures of many sentences, each with what it would be of others."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from bench.figures import percentile
from bench.loss.channel import Pattern
from bench.loss.conditions import CONDITIONS, LOSSES, Condition, Receiver
from bench.loss.outcome import FrameCounts, Outcome

RESAMPLES = 2000
CONFIDENCE_PERCENT = 95


def wer(outcomes: Sequence[Outcome]) -> float:
    return sum(each.errors for each in outcomes) / sum(each.words for each in outcomes)


def mean_pesq(outcomes: Sequence[Outcome]) -> float:
    return sum(each.pesq for each in outcomes) / len(outcomes)


def interval(
    outcomes: Sequence[Outcome], measure: Callable[[Sequence[Outcome]], float]
) -> tuple[float, float]:
    """Where the measure lies of other sentences: the bootstrap's percentiles."""
    random = np.random.default_rng(0)
    draws = random.integers(0, len(outcomes), (RESAMPLES, len(outcomes)))
    measured = [measure([outcomes[place] for place in draw]) for draw in draws]
    rest = (100 - CONFIDENCE_PERCENT) / 2
    return percentile(measured, rest), percentile(measured, 100 - rest)


def figures(found: Sequence[Mapping[Condition, Outcome]]) -> dict[str, float]:
    """Flat, by measure and condition."""
    summary: dict[str, float] = {"sentences": len(found)}
    summary["words"] = sum(each[CONDITIONS[0]].words for each in found)
    for condition in CONDITIONS:
        outcomes = [each[condition] for each in found]
        for name, measure in (("wer", wer), ("pesq", mean_pesq)):
            low, high = interval(outcomes, measure)
            summary[f"{name}.{condition}"] = round(measure(outcomes), 4)
            summary[f"{name}.{condition}.low"] = round(low, 4)
            summary[f"{name}.{condition}.high"] = round(high, 4)
        summary |= _frames(condition, outcomes) | _delays(condition, outcomes)
    for loss in LOSSES[1:]:
        condition = Condition(Pattern.RANDOM, loss, Receiver.RED)
        summary[f"red_recovered.loss{100 * loss:.0f}"] = summary[f"recovered.{condition}"]
    return summary


def _frames(condition: Condition, outcomes: Sequence[Outcome]) -> dict[str, float]:
    total = FrameCounts()
    for each in outcomes:
        total = total.plus(each.frames)
    shares = {f"discarded.{condition}": round(total.discarded / total.came, 4)}
    if total.lost:
        shares[f"lost.{condition}"] = total.lost
        shares[f"recovered.{condition}"] = round(total.recovered / total.lost, 4)
    return shares


def _delays(condition: Condition, outcomes: Sequence[Outcome]) -> dict[str, float]:
    delays = [delay for each in outcomes for delay in each.delays_s]
    lasting = [each.lasting_delay_s for each in outcomes]
    return {
        f"delay_ms.mean.{condition}": round(1000 * sum(delays) / len(delays), 1),
        f"delay_ms.p95.{condition}": round(1000 * percentile(delays, 95), 1),
        f"delay_ms.lasting.{condition}": round(1000 * sum(lasting) / len(lasting), 1),
    }
