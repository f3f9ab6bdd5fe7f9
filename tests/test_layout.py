import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).parents[1]
OURS = ("loopwright", "adapters", "pipelines", "functions", "infra")
HEAVY = ("arro3", "deltalake", "duckdb", "onnxruntime", "pandas", "pyarrow", "scipy", "sklearn", "starlette")


def test_no_other_distribution_owns_our_names() -> None:
    owners = packages_distributions()
    for name in OURS:
        assert set(owners.get(name, ["loopwright"])) == {"loopwright"}


def test_our_names_are_the_folders_here() -> None:
    for name in OURS:
        assert Path(__import__(name).__file__ or "").parent == ROOT / name


def test_items_and_messages_cost_no_heavy_import(tmp_path: Path) -> None:
    program = f"""
import sys
from pathlib import Path
from adapters import open_platform
from loopwright.ports.table import Key
from loopwright.settings import Settings
for provider in ("memory", "local"):
    platform = open_platform(Settings(provider, Path({str(tmp_path)!r}), Path({str(tmp_path)!r})))
    platform.table.put(Key("p", "s"), {{"a": 1}})
    platform.queue.send("q", [b"1"])
    platform.telemetry.count("requests")
    platform.close()
print(*sorted(set({HEAVY!r}) & set(sys.modules)))
"""
    found = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.split() == []
