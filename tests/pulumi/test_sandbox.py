import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clouds.tools import MissingToolError
from tests.mlflow.stock import python_of_stock
from tests.pulumi import sandbox
from tests.pulumi.sandbox_clouds import CLOUDS

NOTED = """
import mlflow
mlflow.set_experiment("a notebook")
print(sorted(one.name for one in mlflow.search_experiments()))
"""
BUCKETS = {
    "aws": "LOOPWRIGHT_AWS_BUCKET=umbrella-sandbox-bucket",
    "gcp": "LOOPWRIGHT_GCP_BUCKET=umbrella-sandbox-bucket",
}


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "sandbox"
    yield place
    sandbox.down(place)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("provider", CLOUDS)
def test_a_sandbox_answers_and_goes_away_with_all_that_was_in_it(home: Path, provider: str) -> None:
    if not shutil.which("curl"):
        pytest.skip("curl is not on this machine")
    try:
        told = sandbox.up("tests/pulumi/umbrella", home, provider=provider)
    except MissingToolError as error:
        pytest.skip(str(error))
    (line,) = [line for line in told.splitlines() if line.endswith("/openapi.json")]
    # As it is told, it works for whoever copies it into a shell.
    asked = subprocess.run(["bash", "-c", line.replace("curl", "curl -sS --fail")], capture_output=True, check=False)
    assert asked.returncode == 0, asked.stderr
    assert "/models/rain/predict" in json.loads(asked.stdout)["paths"]
    exports = [line for line in told.splitlines() if line.strip().startswith("export ")]
    asked = subprocess.run(
        ["bash", "-c", "\n".join([*exports, f"{python_of_stock()} -W ignore -c '{NOTED}'"])],
        capture_output=True,
        check=False,
    )
    assert asked.returncode == 0, asked.stderr
    assert asked.stdout == b"['Default', 'a notebook']\n"
    assert BUCKETS[provider] in (home / "environment").read_text()
    (other,) = CLOUDS.keys() - {provider}
    with pytest.raises(sandbox.TakenError, match=f"sandbox of {provider} already"):
        sandbox.up("tests/pulumi/umbrella", home, provider=other)
    sandbox.down(home)
    assert not home.exists()
    sandbox.down(home)
