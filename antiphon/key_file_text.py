"""The text of a cluster key file, with the marks that a rotation leaves in its comments.

    3 ipv4 8a1f...  # new since 2026-11-21T20:40:00Z
    0 ipv4 7f3c...  # old since 2026-11-21T20:45:00Z

The marks are all that a rotation remembers, so whoever reads the file can go on with it.
The tiers do not read comments.
"""

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import Enum

from antiphon_proto.cluster_keys import ClusterKeyError, ClusterKeys, KeyConfig

_MARK = re.compile(r"(new|old)(?: since (\S+))?")
_TIME = "%Y-%m-%dT%H:%M:%SZ"


def time_text(unix_time: float) -> str:
    """To the second, in UTC."""
    return datetime.fromtimestamp(unix_time, UTC).strftime(_TIME)


class KeyAge(Enum):
    NEW = "new"
    """To mint, once every process can read by it."""
    OLD = "old"
    """To be removed, once nothing that it minted is in use."""


@dataclass(frozen=True, slots=True)
class Mark:
    age: KeyAge
    since: float | None = None
    """Unix seconds: of a new line, when it was added; of an old one, when the last process
    was seen to mint by another; None where that was not seen yet."""

    def __str__(self) -> str:
        if self.since is None:
            return self.age.value
        return f"{self.age.value} since {time_text(self.since)}"


@dataclass(frozen=True, slots=True)
class KeyLine:
    """One config, and what its comment says: a mark, or words of the operator's."""

    config: KeyConfig
    comment: str = ""
    mark: Mark | None = None

    def marked(self, mark: Mark | None) -> "KeyLine":
        return replace(self, mark=mark, comment="")

    def __str__(self) -> str:
        config = self.config
        text = f"{config.id} {config.layout.value} {config.secret.hex()}"
        comment = str(self.mark) if self.mark else self.comment
        return f"{text}  # {comment}" if comment else text


@dataclass(frozen=True, slots=True)
class KeyFileText:
    """Comments that stand alone, which come first, and the lines."""

    comments: tuple[str, ...]
    lines: tuple[KeyLine, ...]

    @classmethod
    def parse(cls, text: str) -> "KeyFileText":
        """Raises ClusterKeyError naming the line, for a mark without a time that reads, too."""
        keys = iter(ClusterKeys.parse(text).configs)
        comments: list[str] = []
        lines: list[KeyLine] = []
        for number, line in enumerate(text.splitlines(), start=1):
            content, _, comment = (part.strip() for part in line.partition("#"))
            if not content:
                comments += [comment] if comment else []
                continue
            mark = _mark(number, comment)
            lines.append(KeyLine(next(keys), "" if mark else comment, mark))
        return cls(tuple(comments), tuple(lines))

    @property
    def keys(self) -> ClusterKeys:
        return ClusterKeys(tuple(line.config for line in self.lines))

    def aged(self, age: KeyAge) -> tuple[KeyLine, ...]:
        """The lines with a mark of this kind."""
        return tuple(line for line in self.lines if line.mark and line.mark.age is age)

    @property
    def unmarked(self) -> tuple[KeyLine, ...]:
        return tuple(line for line in self.lines if line.mark is None)

    def __str__(self) -> str:
        return "".join(
            f"{line}\n" for line in (*(f"# {each}" for each in self.comments), *self.lines)
        )


def _mark(number: int, comment: str) -> Mark | None:
    match = _MARK.fullmatch(comment)
    if match is None:
        return None
    age, since = match.groups()
    try:
        return Mark(KeyAge(age), _unix(since) if since else None)
    except ValueError:
        raise ClusterKeyError(
            f"line {number}: expected a time such as 2026-11-21T20:40:00Z, not {since!r}"
        ) from None


def _unix(text: str) -> float:
    return datetime.strptime(text, _TIME).replace(tzinfo=UTC).timestamp()
