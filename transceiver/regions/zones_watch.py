"""The file of zones: read at the start, and again when it changes."""

from functools import partial

from chassis.reloaded_file import ReloadedFile
from chassis.secret_file import read_secret_file
from transceiver.regions.zones import Zones
from transceiver.regions.zones_file import parse_zones


class ZonesWatch:
    """Without a file there are no zones."""

    def __init__(self, path: str | None, cluster_id: int) -> None:
        """Raises SettingError for a file that cannot be used."""
        self.zones = Zones()
        self._file = None
        if path is not None:
            parse = partial(parse_zones, here=cluster_id)
            self.zones = read_secret_file("--zones", path, parse)
            self._file = ReloadedFile(path, parse, self.zones)

    def changed(self) -> Zones | None:
        """Read the file; what it says, if that is not what is in use already."""
        return self._file.changed() if self._file else None
