"""Dockerfiles, as instructions.

https://docs.docker.com/reference/dockerfile/
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path

DOCKER = Path(__file__).parents[3] / "deploy/docker"
INSTRUCTIONS = {
    *("ARG", "CMD", "COPY", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL", "RUN"),
    *("STOPSIGNAL", "USER", "WORKDIR"),
}
"""Those in use; others deserve a thought first (ADD downloads, VOLUME cannot be undone)."""


@dataclass(frozen=True)
class Instruction:
    name: str
    text: str

    def words(self) -> list[str]:
        """Without flags such as --from=build."""
        return [word for word in self.text.split() if not word.startswith("--")]

    def flag(self, name: str) -> str | None:
        found = re.search(rf"--{name}=(\S+)", self.text)
        return found and found[1]

    def exec_form(self) -> list[str]:
        """Raises ValueError where a shell would run it."""
        words: list[str] = json.loads(self.text[self.text.index("[") :])
        return words


@dataclass(frozen=True)
class Stage:
    base: str
    name: str | None
    instructions: tuple[Instruction, ...]

    def of(self, name: str) -> list[Instruction]:
        return [each for each in self.instructions if each.name == name]


def stages(tier: str) -> list[Stage]:
    """Of a tier's Dockerfile; the last one is what is built by default.

    Raises ValueError for an instruction that is none.
    """
    found: list[Stage] = []
    for instruction in instructions((DOCKER / f"{tier}.Dockerfile").read_text()):
        if instruction.name == "FROM":
            base, *named = instruction.words()
            found.append(Stage(base, named[1] if named else None, ()))
        elif found:
            before = found.pop()
            found.append(Stage(before.base, before.name, (*before.instructions, instruction)))
    return found


def instructions(text: str) -> list[Instruction]:
    """Raises ValueError for one that is none."""
    content = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    lines = [line for line in content.replace("\\\n", " ").splitlines() if line.strip()]
    made = [Instruction(*(part.strip() for part in f"{line} ".split(" ", 1))) for line in lines]
    for each in made:
        if each.name not in INSTRUCTIONS:
            raise ValueError(f"{each.name}: not an instruction in use")
    return made


def lineage(tier: str, last: int = -1) -> list[Stage]:
    """A stage and those that it is made from, itself last."""
    known = stages(tier)
    line = [known[last]]
    by_name = {stage.name: stage for stage in known if stage.name}
    while line[0].base in by_name:
        line.insert(0, by_name[line[0].base])
    return line
