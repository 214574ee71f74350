"""What `antiphon keys rotate` says of a rotation, in lines; no secret is in them."""

from collections.abc import Iterator, Sequence

from antiphon.key_file_text import KeyFileText, time_text
from antiphon.key_rotation import Due, KeyReport, Settled, Waiting
from antiphon_proto.keys_in_force import keys_in_force


def status_lines(
    file: KeyFileText, reports: Sequence[KeyReport], found: Due | Waiting | Settled
) -> Iterator[str]:
    """The keys, the processes, and what is next."""
    for line, key in zip(file.lines, keys_in_force(file.keys), strict=True):
        text = f"config id {key.config_id}  {key.layout.value:5} {key.fingerprint} {key.use.value}"
        yield f"{text}  {line.mark}" if line.mark else text
    for report in reports:
        ids = sorted(key.config_id for key in report.keys)
        said = report.failure or f"has config id {', '.join(map(str, ids))}"
        yield f"{report.tier.value} {report.name}: {said}"
    yield from found_lines(found)


def found_lines(found: Due | Waiting | Settled) -> Iterator[str]:
    """What is next, and what it waits for."""
    match found:
        case Due(step):
            yield f"next: {step.value}, now"
        case Waiting(step, reasons, until):
            yield f"next: {step.value}" + (
                f", at {time_text(until)}" if until else ", waiting for:"
            )
            yield from (f"  {reason}" for reason in reasons)
        case Settled(()):
            yield "no rotation is under way"
        case Settled(reasons):
            yield "no rotation is under way, but not everybody has the keys as they are:"
            yield from (f"  {reason}" for reason in reasons)
