from pathlib import Path

import pytest

from chassis.settings import SettingError
from transceiver.regions.zones import Zone, Zones
from transceiver.regions.zones_watch import ZonesWatch


def test_without_a_file_there_are_no_zones_and_never_will_be() -> None:
    watch = ZonesWatch(None, 0)
    assert watch.zones == Zones()
    assert watch.changed() is None


def test_a_file_that_changes_is_read_again_and_one_that_is_broken_is_not(tmp_path: Path) -> None:
    path = tmp_path / "zones.toml"
    path.write_text("zones.near.clusters = [7]")
    watch = ZonesWatch(str(path), 7)
    assert watch.zones.zones == {"near": Zone("near", (7,))}
    assert watch.changed() is None
    path.write_text("zones.near.clusters = [8]")
    assert watch.changed() is None
    path.write_text("zones.far.clusters = [7]")
    changed = watch.changed()
    assert changed is not None
    assert list(changed.zones) == ["far"]


@pytest.mark.parametrize("text", [None, "zones.near.clusters = [8]"])
def test_at_the_start_a_file_must_be_of_use(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "zones.toml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(SettingError, match=r"--zones .*zones.toml: (No such|zones.near.clusters)"):
        ZonesWatch(str(path), 7)
