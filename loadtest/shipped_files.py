"""TOML files that come with the harness, read by their names, and others by their paths."""

from dataclasses import dataclass
from importlib.resources.abc import Traversable
from pathlib import Path


class UnreadableFileError(ValueError):
    """There is no such file, or it is no text; says which ones are shipped."""


@dataclass(frozen=True, slots=True)
class ShippedFiles:
    """Of one kind, in one directory of the package."""

    directory: Traversable

    def names(self) -> tuple[str, ...]:
        found = (each.name for each in self.directory.iterdir())
        return tuple(sorted(name.removesuffix(".toml") for name in found if name.endswith(".toml")))

    def text(self, name: str) -> str:
        """The file of one of them."""
        return (self.directory / f"{name}.toml").read_text()

    def read(self, source: str) -> str:
        """A shipped one by its name, or any by its path. Raises UnreadableFileError."""
        if source in self.names():
            return self.text(source)
        try:
            return Path(source).read_text()
        except (OSError, UnicodeDecodeError) as error:
            known = ", ".join(self.names())
            text = f"{source}: no file ({error}), and none of {known}"
            raise UnreadableFileError(text) from error
