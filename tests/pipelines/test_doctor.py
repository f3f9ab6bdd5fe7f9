"""What the doctor finds, and what it says to do about it."""

from pathlib import Path

from adapters import open_platform
from loopwright.settings import Settings
from pipelines.doctor import Finding, examine_databases, examine_state
from tests.pipelines.weather import World


def findings(world: World) -> dict[str, Finding]:
    return {finding.what: finding for finding in examine_state(world.platform, world.project)}


def test_a_table_in_order_is_fine(world: World) -> None:
    assert findings(world)["lake observations"].told == "version 0, 580 rows"


def test_a_data_file_that_is_gone_is_found(world: World, tmp_path: Path) -> None:
    home = tmp_path / "home"
    on_disk = World(open_platform(Settings("local", home, tmp_path)), world.project, world.rain).fill()
    for file in (home / "lake" / "observations").glob("*.parquet"):
        file.unlink()
    found = findings(on_disk)["lake observations"]
    on_disk.platform.close()
    assert found.level == "broken"
    assert "restore" in found.advice


def test_a_damaged_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "table.db").write_bytes(b"this was a database once" * 400)
    found = {finding.what: finding for finding in examine_databases(tmp_path)}["table.db"]
    assert (found.level, found.told) == ("broken", "damaged: file is not a database")
    assert "table.db from a copy" in found.advice
