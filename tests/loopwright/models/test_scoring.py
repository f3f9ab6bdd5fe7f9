import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import skops.io
from onnx import TensorProto, helper
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder

from adapters import open_platform
from loopwright.columns import Columns
from loopwright.errors import CapabilityError, IntegrityError, InvalidInputError
from loopwright.models import FeatureInput, Manifest, load_scorer, open_scorer, write_package
from loopwright.models.package import seal_package
from loopwright.settings import Settings

FEATURES = (FeatureInput("distance", "float"), FeatureInput("origin", "string"))
COLUMNS: Columns = {
    "origin": np.array(["JFK", "EWR", "", "LGA"], dtype=object),
    "distance": np.array([1.0, 2.0, 3.0, 4.0]),
    "ignored": np.zeros(4),
}


def manifest(**changes: object) -> Manifest:
    wanted = Manifest("delays", "binary", "onnx", "model.onnx", FEATURES, "sha256:00", ("0", "1"), "probabilities")
    return replace(wanted, **changes)  # type: ignore[arg-type] - the tests change what they like


def linear_onnx(kind: int, *, matrix: bool = False) -> bytes:
    """Return a model whose probability of "1" is distance / 10; it takes origin and ignores it."""
    if matrix:
        inputs = [helper.make_tensor_value_info("X", kind, [None, 1])]
        first = helper.make_node("Cast", ["X"], ["x"], to=TensorProto.FLOAT)
    else:
        inputs = [
            helper.make_tensor_value_info("distance", kind, [None, 1]),
            helper.make_tensor_value_info("origin", TensorProto.STRING, [None, 1]),
        ]
        first = helper.make_node("Cast", ["distance"], ["x"], to=TensorProto.FLOAT)
    nodes = [
        first,
        helper.make_node("Mul", ["x", "tenth"], ["one"]),
        helper.make_node("Sub", ["unit", "one"], ["zero"]),
        helper.make_node("Concat", ["zero", "one"], ["probabilities"], axis=1),
    ]
    weights = [
        helper.make_tensor("tenth", TensorProto.FLOAT, [1], [0.1]),
        helper.make_tensor("unit", TensorProto.FLOAT, [1], [1.0]),
    ]
    outputs = [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, 2])]
    graph = helper.make_graph(nodes, "linear", inputs, outputs, weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9).SerializeToString()


def skops_model() -> tuple[bytes, Pipeline]:
    encode = ColumnTransformer([("c", OneHotEncoder(handle_unknown="ignore"), ["origin"])], remainder="passthrough")
    frame = pd.DataFrame({name: COLUMNS[name] for name in ("distance", "origin")})
    fitted = make_pipeline(encode, LogisticRegression()).fit(frame, [0, 1, 1, 0])
    return skops.io.dumps(fitted), fitted


def test_a_binary_model_gives_the_probability_of_the_positive_class() -> None:
    scores = open_scorer(manifest(), linear_onnx(TensorProto.DOUBLE)).score(COLUMNS | {"distance": np.arange(4) * 2.0})
    assert scores.score == pytest.approx([0, 0.2, 0.4, 0.6])
    assert list(scores.prediction) == ["0", "0", "0", "1"]
    assert scores.probabilities is not None
    assert scores.probabilities.sum(axis=1) == pytest.approx([1, 1, 1, 1])


def test_a_multiclass_model_gives_its_class_and_that_class_s_probability() -> None:
    wanted = manifest(task="multiclass", classes=("calm", "rough"))
    scores = open_scorer(wanted, linear_onnx(TensorProto.DOUBLE)).score(COLUMNS | {"distance": np.arange(4) * 3.0})
    assert list(scores.prediction) == ["calm", "calm", "rough", "rough"]
    assert scores.score == pytest.approx([1, 0.7, 0.6, 0.9])


def test_a_model_with_float32_inputs_gets_them() -> None:
    assert open_scorer(manifest(), linear_onnx(TensorProto.FLOAT)).score(COLUMNS).score[0] == pytest.approx(0.1)


def test_a_model_with_one_matrix_input_gets_the_features_in_order() -> None:
    wanted = manifest(features=FEATURES[:1])
    scores = open_scorer(wanted, linear_onnx(TensorProto.DOUBLE, matrix=True)).score(COLUMNS)
    assert scores.score == pytest.approx([0.1, 0.2, 0.3, 0.4])


def test_no_rows_give_no_scores() -> None:
    none = {"distance": np.empty(0), "origin": np.empty(0, dtype=object)}
    assert len(open_scorer(manifest(), linear_onnx(TensorProto.DOUBLE)).score(none).score) == 0


def test_a_missing_feature_is_named() -> None:
    scorer = open_scorer(manifest(), linear_onnx(TensorProto.DOUBLE))
    with pytest.raises(InvalidInputError, match="wants the feature 'origin'"):
        scorer.score({"distance": np.zeros(1)})


def test_a_column_of_another_type_is_refused() -> None:
    scorer = open_scorer(manifest(), linear_onnx(TensorProto.DOUBLE))
    with pytest.raises(InvalidInputError, match="wants 'distance' as float"):
        scorer.score(COLUMNS | {"distance": COLUMNS["origin"]})


def test_a_model_with_inputs_that_are_no_features_is_refused() -> None:
    with pytest.raises(IntegrityError, match="inputs distance are no features"):
        open_scorer(manifest(features=(FEATURES[1],)), linear_onnx(TensorProto.DOUBLE))


def test_bytes_that_are_no_model_are_refused() -> None:
    with pytest.raises(IntegrityError, match="cannot open"):
        open_scorer(manifest(), b"not a model")


def test_skops_scores_like_the_estimator_itself() -> None:
    model, fitted = skops_model()
    wanted = manifest(runtime="skops", trusted_types=tuple(skops.io.get_untrusted_types(data=model)))
    scores = open_scorer(wanted, model).score(COLUMNS)
    frame = pd.DataFrame({name: COLUMNS[name] for name in ("distance", "origin")})
    assert scores.score == pytest.approx(fitted.predict_proba(frame)[:, 1])


def test_skops_scores_a_regression() -> None:
    frame = pd.DataFrame({"distance": COLUMNS["distance"]})
    model = skops.io.dumps(LinearRegression().fit(frame, frame["distance"] * 3))
    wanted = manifest(
        task="regression",
        runtime="skops",
        features=FEATURES[:1],
        trusted_types=tuple(skops.io.get_untrusted_types(data=model)),
    )
    scores = open_scorer(wanted, model).score(COLUMNS)
    assert scores.score == pytest.approx([3, 6, 9, 12])
    assert list(scores.prediction) == [""] * 4


def test_without_scikit_learn_the_message_says_what_the_model_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    model, _ = skops_model()
    monkeypatch.setitem(sys.modules, "skops.io", None)
    with pytest.raises(
        CapabilityError, match=r"'delays' is run by scikit-learn, which is not installed here .* train again"
    ):
        open_scorer(manifest(runtime="skops"), model)


def test_skops_loads_no_type_that_the_manifest_does_not_list() -> None:
    forest = RandomForestClassifier(n_estimators=2).fit(pd.DataFrame({"distance": COLUMNS["distance"]}), [0, 1, 1, 0])
    model = skops.io.dumps(forest)
    with pytest.raises(IntegrityError, match="does not list"):
        open_scorer(manifest(runtime="skops"), model)


@pytest.mark.parametrize("name", ["os.system", "builtins.eval", "numpy.testing.runstring", "sklearn.datasets.load"])
def test_a_manifest_cannot_list_dangerous_types(name: str) -> None:
    model, _ = skops_model()
    with pytest.raises(IntegrityError, match=re.escape(name)):
        open_scorer(manifest(runtime="skops", trusted_types=(name,)), model)


def test_loading_reads_the_manifest_and_the_model_and_each_of_them_once(monkeypatch: pytest.MonkeyPatch) -> None:
    blobs = open_platform(Settings(provider="memory")).blobs
    files = {"model.onnx": linear_onnx(TensorProto.DOUBLE), "card.md": b"for people"}
    digest = write_package(blobs, "m", seal_package(manifest(), files))
    read, get = [], blobs.get
    monkeypatch.setattr(blobs, "get", lambda key: (read.append(key), get(key))[1])
    load_scorer(blobs, "m", digest)
    assert read == ["m/manifest.json", "m/model.onnx"]


def test_a_tampered_model_never_reaches_the_runtime() -> None:
    blobs = open_platform(Settings(provider="memory")).blobs
    package = seal_package(manifest(), {"model.onnx": linear_onnx(TensorProto.DOUBLE)})
    digest = write_package(blobs, "m", package)
    assert load_scorer(blobs, "m", digest).manifest == package.manifest
    blobs.put("m/model.onnx", b"not a model")
    with pytest.raises(IntegrityError, match="was changed after it was written"):
        load_scorer(blobs, "m", digest)


def test_scoring_with_onnx_imports_no_training_library() -> None:
    code = (
        "import sys, loopwright.models.onnx_scorer; from loopwright.models import load_scorer; "
        "print([m for m in ('pandas', 'sklearn', 'scipy', 'skops', 'onnx') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
