"""`antiphon-loadtest capacity --fit`, `--check` and `--predict`: models of what calls cost."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from chassis.settings import SettingError, fraction, load, positive, setting
from loadtest.capacity.cost_model import CostModel, CostModelError, read, write
from loadtest.capacity.demand import UnusableRunError
from loadtest.capacity.fitting import fit
from loadtest.capacity.prediction import Calls, PodSize, predict
from loadtest.capacity.tables import check_table, cost_table, prediction_table
from loadtest.capacity.validation import check, leave_one_out
from loadtest.report.result_arguments import results_and_flags
from loadtest.scenario.scenario import Kind, Talk, TalkModel
from loadtest.tiers import TIERS

PROG = "antiphon-loadtest capacity"
SHIPPED = Path(__file__).parent / "measured_model.json"


@dataclass(frozen=True, kw_only=True)
class FitSettings:
    """RUN.json ... first: files that runs wrote, whose tiers were watched."""

    to: Path = setting(help="the model's file", parse=Path)


@dataclass(frozen=True, kw_only=True)
class CheckSettings:
    """RUN.json ... first: files of runs that the model was not fitted to."""

    model: Path = setting(SHIPPED, help="the model's file", parse=Path)


@dataclass(frozen=True, kw_only=True)
class PredictSettings:
    """SESSIONS first: how many there are to be at once."""

    model: Path = setting(SHIPPED, help="the model's file", parse=Path)
    kind: Kind = setting(Kind.WEBRTC, help=f"of callers: {', '.join(Kind)}", parse=Kind)
    talk: TalkModel = setting(
        TalkModel.ON_OFF, help=f"who speaks when: {', '.join(TalkModel)}", parse=TalkModel
    )
    call_seconds: int = setting(180, help="the mean length of a call", parse=positive)
    cores: int = setting(1, help="cores of a pod", parse=positive)
    used: float = setting(
        0.8, help="the share of a pod's CPU that calls may take; the rest is headroom",
        parse=fraction,
    )  # fmt: skip


def _fit(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    results, flags = results_and_flags(argv)
    settings = load(FitSettings, flags, environ, prog=f"{PROG} --fit RUN.json ...")
    console = Console()
    with _as_setting_errors():
        model = fit(results, made_by=f"{PROG} --fit")
        write(model, settings.to)
        console.print(cost_table(model))
        _say_what_is_entangled(model)
        if len(results) > 1:
            console.print("Each run by a model of all the others:")
            console.print(check_table(leave_one_out(results)))
    print(settings.to)
    return 0


def _check(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    results, flags = results_and_flags(argv)
    settings = load(CheckSettings, flags, environ, prog=f"{PROG} --check RUN.json ...")
    if not results:
        raise SettingError("give result files, the JSON that runs wrote")
    with _as_setting_errors():
        model = read(settings.model)
        seen = {(source.name, source.started_at) for source in model.sources}
        for result in results:
            if (result.name, result.started_at) in seen:
                raise SettingError(f"{result.name}: the model was fitted to this very run")
        Console().print(check_table(row for result in results for row in check(model, result)))
    return 0


def _predict(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    if not argv or not argv[0].isdigit() or not int(argv[0]):
        raise SettingError("--predict: give a number of sessions first")
    settings = load(PredictSettings, argv[1:], environ, prog=f"{PROG} --predict SESSIONS")
    with _as_setting_errors():
        model = read(settings.model)
        calls = Calls(settings.kind, Talk(model=settings.talk), float(settings.call_seconds))
        size = PodSize(float(settings.cores), 1.0 - settings.used)
        prediction = predict(model, int(argv[0]), calls, dict.fromkeys(TIERS, size))
    Console().print(prediction_table(prediction))
    for note in model.notes:
        print(note)
    return 0


def _say_what_is_entangled(model: CostModel) -> None:
    for name, tier in model.tiers.items():
        units = sorted({unit for pair in tier.entangled for unit in pair})
        if units:
            together = ", ".join(units)
            print(f"{name}: {together} grew in step with each other; trust their sum, and fit")
            print("  runs besides that differ in them: of other lengths, talk and kinds of calls")


@contextmanager
def _as_setting_errors() -> Iterator[None]:
    """What is wrong with files and figures becomes the command's one line."""
    try:
        yield
    except (UnusableRunError, CostModelError, OSError) as error:
        raise SettingError(str(error)) from error


COMMANDS: Mapping[str, Callable[[Sequence[str], Mapping[str, str]], int]] = {
    "--fit": _fit,
    "--check": _check,
    "--predict": _predict,
}
