"""What MLflow's whole package does with models and files is the same on a stock server and on ours."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.mlflow.stock import python_of_stock, stock_environment

SCRIPT = Path(__file__).with_name("models_of_a_notebook.py")


def seen(url: str, folder: Path) -> dict[str, Any]:
    """Run the notebook in a process of its own, and return what it sees."""
    folder.mkdir()
    variables = {"MLFLOW_REQUIREMENTS_INFERENCE_TIMEOUT": "1", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2"}
    done = subprocess.run(
        [python_of_stock(), "-W", "ignore", SCRIPT, url],
        env={**stock_environment(folder), **variables},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4_000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.timeout(240)
def test_a_notebook_sees_the_same_models(stock: str, ours: str, tmp_path: Path) -> None:
    wanted = seen(stock, tmp_path / "stock")
    assert wanted["same predictions"] == [[True, True]] * 3
    assert wanted["best first"] == ["forest", "second"]
    assert seen(ours, tmp_path / "ours") == wanted
