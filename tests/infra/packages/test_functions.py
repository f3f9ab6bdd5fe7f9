"""What is deployed runs from its package alone, under an interpreter that finds nothing else."""

import dataclasses
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.packages import KIND_OF, Kind, Package, build_package
from infra.packages.kinds import MIB, RECIPES
from infra.packages.sources import ROOT
from tests.infra.packages.conftest import HERE, PROJECT, Unzipped, run_isolated, unzip

NOT_ON_AWS = {"metrics", "mirror", "worker"}
NAMES = {f"LOOPWRIGHT_AWS_{name}": "nowhere" for name in ("BUCKET", "TABLE", "QUEUES", "BUS")}
PORTS = """
import os
from pathlib import Path
from adapters import open_platform
from loopwright.settings import Settings
platform = open_platform(Settings.from_env(os.environ))
for port in ("blobs", "table", "lake", "queue", "events", "jobs", "telemetry"):
    getattr(platform, port)
print(sorted({"adapters.local", "adapters.memory"} & set(sys.modules)))
"""


def environment(package: Path) -> dict[str, str]:
    return NAMES | {"LOOPWRIGHT_PROVIDER": "aws", "AWS_REGION": "x", "LOOPWRIGHT_PROJECT": str(package / "project")}


def test_every_function_has_its_kind() -> None:
    folders = {path.parent.name for path in (ROOT / "functions").glob("*/app.py")}
    assert set(KIND_OF) == folders - NOT_ON_AWS


@pytest.mark.parametrize("name", KIND_OF)
def test_a_function_is_imported_from_its_package_alone(name: str, unzipped: Unzipped) -> None:
    package = unzipped(KIND_OF[name])
    code = f"from functions.{name}.main import handler; print(callable(handler))"
    assert run_isolated(package, code, environment(package)) == "True\n"


@pytest.mark.parametrize("kind", RECIPES)
def test_every_port_of_aws_opens_and_no_other_provider(kind: Kind, unzipped: Unzipped) -> None:
    package = unzipped(kind)
    assert run_isolated(package, PORTS, environment(package)) == "[]\n"


def test_a_model_answers_in_the_package_that_serves(unzipped: Unzipped, tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    helper, double = onnx.helper, onnx.TensorProto.DOUBLE
    graph = helper.make_graph(
        [helper.make_node("Add", ["a", "a"], ["b"])],
        "twice",
        [helper.make_tensor_value_info("a", double, [None, 1])],
        [helper.make_tensor_value_info("b", double, [None, 1])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    (tmp_path / "model.onnx").write_bytes(model.SerializeToString())
    code = f"""
import numpy, onnxruntime
session = onnxruntime.InferenceSession({str(tmp_path / "model.onnx")!r}, providers=["CPUExecutionProvider"])
print(session.run(None, {{"a": numpy.array([[21.0]])}})[0].tolist())
"""
    assert run_isolated(unzipped("serve"), code) == "[[42.0]]\n"


def test_a_table_is_written_and_read_in_the_package_of_the_lake(unzipped: Unzipped, tmp_path: Path) -> None:
    code = f"""
import numpy
from arro3.core import Array, Table
from deltalake import DeltaTable, write_deltalake
write_deltalake({str(tmp_path / "t")!r}, Table.from_pydict({{"a": Array.from_numpy(numpy.arange(3.0))}}))
print(DeltaTable({str(tmp_path / "t")!r}).version(), DeltaTable({str(tmp_path / "t")!r}).count())
"""
    assert run_isolated(unzipped("lake"), code) == "0 3\n"


def test_a_missing_library_is_noticed(tmp_path: Path) -> None:
    serve = RECIPES["serve"]
    without = dataclasses.replace(serve, left_out=(*serve.left_out, "numpy", "onnxruntime"))
    built = build_package("serve", project=PROJECT, python_version=HERE, cache=tmp_path, recipe=without)
    package = unzip(built.path, tmp_path / "package")
    said = run_isolated(package, "import functions.predict.main", environment(package))
    assert "ModuleNotFoundError: No module named 'numpy'" in said


@pytest.mark.parametrize(("kind", "limit"), [("serve", 100), ("lake", 200), ("tracking", 60)])
def test_packages_keep_to_their_budgets_and_train_nothing(
    kind: Kind, limit: int, packages: Callable[[Kind], Package]
) -> None:
    built = packages(kind)
    with zipfile.ZipFile(built.path) as archive:
        parts = {name.partition("/")[0] for name in archive.namelist()}
        size = sum(entry.file_size for entry in archive.infolist())
    assert built.compiled
    assert built.unzipped_bytes == size < limit * MIB
    assert not parts & {"boto3", "botocore", "pandas", "scipy", "sklearn", "duckdb", "pipelines", "tests"}


def test_what_serves_is_the_same_bytes_whoever_builds_it(packages: Callable[[Kind], Package], tmp_path: Path) -> None:
    again = build_package("serve", project=PROJECT, python_version=HERE, cache=tmp_path)
    assert again.path.read_bytes() == packages("serve").path.read_bytes()
    assert again.digest == packages("serve").digest
