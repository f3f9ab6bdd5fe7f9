"""One notebook, unchanged, wherever it is pointed at: what it sees is what it sees of a stock MLflow server.

Only the address and what proves who it is differ. It is run by MLflow's whole package and by its small one, against
our function over every provider's world, and against stacks that `pulumi up` has deployed.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

from loopwright.clock import ReplayClock
from tests.clouds.tools import ROOT, MissingToolError
from tests.contracts.worlds import WORLDS
from tests.mlflow.ours import our_server
from tests.mlflow.stock import python_of_stock, stock_environment
from tests.pulumi import on_aws, on_google

NOTEBOOK: Final = ROOT / "examples" / "notebook" / "train.py"
UMBRELLA: Final = ROOT / "tests" / "pulumi" / "umbrella"

CLIENTS: Final[Mapping[str, Callable[[], Path]]] = {
    "mlflow": python_of_stock,
    "mlflow-skinny": lambda: Path(sys.executable),
}
Told = dict[str, Any]
Variables = Mapping[str, str]


def told_by(client: str, folder: Path, variables: Variables) -> Told:
    """Run the notebook in a process that knows nothing but these variables, and return what it shows in the end."""
    # What a model needs is not looked for in a process of its own, which takes seconds; it is guessed.
    quick = {"MLFLOW_REQUIREMENTS_INFERENCE_TIMEOUT": "1", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2"}
    done = subprocess.run(
        [CLIENTS[client](), "-W", "ignore", NOTEBOOK],
        env={**stock_environment(folder), **quick, **variables},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4_000:]
    found: Told = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.fixture(scope="session")
def wanted(stock: str, tmp_path_factory: pytest.TempPathFactory) -> Told:
    """What the notebook sees of a stock server."""
    found = told_by("mlflow", tmp_path_factory.mktemp("stock-notebook"), {"MLFLOW_TRACKING_URI": stock})
    assert found["the same predictions"]
    assert found["version"] == ["1", "READY", {"reviewed": "no"}, ["challenger"]]
    return found


@pytest.mark.timeout(300)
@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("world", sorted(WORLDS))
def test_a_notebook_sees_the_same_of_ours_on_every_provider(
    world: str, client: str, wanted: Told, tmp_path: Path
) -> None:
    with WORLDS[world]() as settings, our_server(replace(settings, clock_file=None)) as url:
        assert told_by(client, tmp_path, {"MLFLOW_TRACKING_URI": url}) == wanted


@contextmanager
def deployed_on_aws(folder: Path, clock: Path) -> Iterator[Variables]:
    """Deploy a stack whose API takes signed requests only; yield what signs them.

    MLflow's signing cannot send a file, so files are sent in parts, which are signed by the function.
    """
    with on_aws.deployed(folder, UMBRELLA, clock) as made:
        yield {
            "MLFLOW_TRACKING_URI": made.tracking,
            "MLFLOW_TRACKING_AWS_SIGV4": "true",
            "MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE": "1",
            **made.signing,
        }


@contextmanager
def deployed_on_google(folder: Path, clock: Path) -> Iterator[Variables]:
    """Deploy a stack that Cloud Run guards; yield an identity token for it."""
    with on_google.deployed(folder, UMBRELLA, clock) as made:
        url = made.outputs["trackingUrl"]
        yield {"MLFLOW_TRACKING_URI": url, "MLFLOW_TRACKING_TOKEN": made.token_for(url.rstrip("/"))}


STACKS: Final[Mapping[str, Callable[[Path, Path], AbstractContextManager[Variables]]]] = {
    "aws": deployed_on_aws,
    "gcp": deployed_on_google,
}


@pytest.mark.timeout(900)
@pytest.mark.parametrize("provider", STACKS)
def test_a_notebook_sees_the_same_of_a_deployed_stack_and_nobody_else_sees_anything(
    provider: str, wanted: Told, tmp_path: Path, subtests: pytest.Subtests
) -> None:
    clock, home = tmp_path / "clock", tmp_path / "notebook"
    home.mkdir()
    ReplayClock(clock).set(time.time())
    try:
        with STACKS[provider](tmp_path, clock) as variables:
            with subtests.test("as somebody who may"):
                assert told_by("mlflow", home, variables) == wanted
            with subtests.test("as nobody"), pytest.raises(AssertionError, match=r"403|401|Forbidden|Unauthorized"):
                told_by("mlflow-skinny", home, {"MLFLOW_TRACKING_URI": variables["MLFLOW_TRACKING_URI"]})
    except MissingToolError as error:
        pytest.skip(str(error))
