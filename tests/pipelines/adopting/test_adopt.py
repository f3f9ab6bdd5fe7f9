"""A notebook's model becomes a version that is served, through the gate that every candidate goes through."""

import json

import numpy as np
import pytest

from loopwright.errors import ConflictError, InvalidInputError, NotFoundError
from loopwright.models import load_scorer
from loopwright.models.package import read_package
from loopwright.tracking import DatasetInput
from pipelines.adopt import PIPELINE, Adoption, Wish, adopt
from pipelines.lineage import lineage
from pipelines.origin import Origin
from pipelines.reproduce import reproduce
from pipelines.steps import Progress, StepEvent, silent
from pipelines.train import resume
from tests.pipelines.adopting import notebook
from tests.pipelines.weather import AT, World


def adopted(world: World, wish: Wish, *, at: float = AT, who: str = "tester", progress: Progress = silent) -> Adoption:
    return adopt(world.platform, world.project, wish, reason="a test", at=at, who=who, progress=progress)


@pytest.mark.parametrize(
    "place",
    [
        f"models:/{notebook.MODEL_ID}",
        f"mlflow-artifacts:/7/models/{notebook.MODEL_ID}/artifacts",
        f"mlflow-artifacts://tracking.example:5000/7/models/{notebook.MODEL_ID}/artifacts",
        f"https://tracking.example/api/2.0/mlflow-artifacts/artifacts/7/models/{notebook.MODEL_ID}/artifacts",
    ],
)
def test_a_notebooks_model_becomes_a_version_that_serves(world: World, place: str) -> None:
    model = notebook.fitted()
    number = notebook.log(world, notebook.as_skops(model), source=place)
    done = adopted(world, Wish("rain", number))
    assert (done.outcome.version, done.outcome.promoted) == (number + 1, True)
    version = world.registry.version("rain", number + 1)
    assert world.registry.routing("rain").champion == version.version
    assert version.verdict is not None
    assert version.verdict.rows > 50
    scorer = load_scorer(world.platform.blobs, version.source, version.digest)
    assert scorer.manifest.runtime == "onnx"
    frame, _ = notebook.rows(50, seed=8)
    columns = {name: frame[name].to_numpy(dtype=object if name == "sky" else float) for name in frame}
    assert np.allclose(scorer.score(columns).score, model.predict_proba(frame)[:, 1], atol=1e-6)


def test_an_adopted_version_says_where_it_comes_from(world: World) -> None:
    experiment = world.tracking.ensure_experiment("notebooks")
    run = world.tracking.create_run(experiment.id, name="by hand")
    world.tracking.log_inputs(run.id, [DatasetInput("readings", "c0ffee", "{}", None, "train")])
    world.tracking.log_batch(run.id, params={"C": "3"})
    number = notebook.log(world, notebook.as_skops(notebook.fitted()), run_id=run.id)
    done = adopted(world, Wish("rain", number))
    version = world.registry.version("rain", done.outcome.version)
    assert version.tags["adopted_from"] == f"rain/{number}"
    assert version.tags["adopted_run"] == run.id
    assert {pin.table for pin in version.lineage.datasets} == {"observations", "pressure"}
    assert world.registry.version("rain", number).tags["loopwright.adopted_as"] == f"rain/{version.version}"
    made = world.tracking.run(done.outcome.run_id)
    assert made.tags["loopwright.adopted_run"] == run.id
    assert {(one.name, one.context) for one in made.inputs} == {
        ("readings", "train"),
        ("observations", "evaluation"),
        ("pressure", "evaluation"),
    }
    card = read_package(world.platform.blobs, version.source, version.digest).files["card.md"].decode()
    assert f"Adopted from version {number} of `rain`, of run {run.id}" in card
    origin = lineage(world.platform, world.project, f"rain/{version.version}")
    assert isinstance(origin, Origin)
    assert origin.adopted is not None
    assert (origin.adopted.version, origin.adopted.run_id, origin.adopted.parameters) == (
        f"rain/{number}",
        run.id,
        {"C": "3"},
    )


def test_it_is_told_how_many_held_out_rows_came_after_the_model(world: World) -> None:
    number = notebook.log(world, notebook.as_skops(notebook.fitted()))
    # It was registered at the moment of the test, after the last case.
    assert adopted(world, Wish("rain", number)).unseen == 0


def test_a_model_of_another_name_is_adopted_as_the_projects(world: World) -> None:
    number = notebook.log(world, notebook.as_skops(notebook.fitted()), model="my first model")
    with pytest.raises(NotFoundError, match="no model 'my first model'"):
        adopted(world, Wish("my first model", number))
    done = adopted(world, Wish("my first model", number, "rain"))
    assert world.registry.routing("rain").champion == done.outcome.version == 1
    tags = world.registry.version("my first model", number).tags
    assert tags["loopwright.adopted_as"] == "rain/1"


def test_a_second_call_tells_how_the_first_ended(world: World) -> None:
    number = notebook.log(world, notebook.as_skops(notebook.fitted()))
    first = adopted(world, Wish("rain", number))
    again = adopted(world, Wish("rain", number), at=AT + 3600, who="somebody else")
    assert again == first
    assert len(world.registry.versions("rain")) == 2


@pytest.mark.parametrize("step", [step.name for step in PIPELINE.steps])
def test_an_adoption_that_was_stopped_goes_on_and_registers_once(world: World, step: str) -> None:
    number = notebook.log(world, notebook.as_skops(notebook.fitted()))
    told: list[StepEvent] = []

    def stop(event: StepEvent) -> None:
        if (event.step, event.state) == (step, "finished"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        adopted(world, Wish("rain", number), progress=stop)
    done = adopted(world, Wish("rain", number), at=AT + 60, who="another", progress=told.append)
    assert (done.outcome.version, done.outcome.promoted) == (2, True)
    assert [event.step for event in told if event.state == "restored"][-1] == step
    assert len(world.registry.versions("rain")) == 2
    assert len(world.registry.alias_history("rain", "champion")) == 1
    assert world.registry.version("rain", 2).tags["who"] == "tester"


def test_a_model_that_is_worse_than_the_champion_is_registered_and_does_not_serve(world: World) -> None:
    world.train()
    _, rained = notebook.rows()
    number = notebook.log(world, notebook.as_skops(notebook.fitted(target=1 - rained)))
    done = adopted(world, Wish("rain", number))
    assert done.outcome.verdict is not None
    assert not done.outcome.verdict.passed
    assert not done.outcome.promoted
    assert world.registry.routing("rain").champion == 1


def test_a_version_with_a_package_needs_no_adoption(world: World) -> None:
    version = world.train().version
    assert version is not None
    with pytest.raises(ConflictError, match="has a package and needs no adoption"):
        adopted(world, Wish("rain", version))


def test_a_version_whose_files_are_elsewhere_or_gone_cannot_be_adopted(world: World) -> None:
    with pytest.raises(InvalidInputError, match="at s3://bucket/model, which is not kept here"):
        adopted(world, Wish("rain", notebook.register(world, source="s3://bucket/model")))
    with pytest.raises(NotFoundError, match="has no file MLmodel"):
        adopted(world, Wish("rain", notebook.register(world, source="models:/m-nothing")))


def test_a_model_in_a_runs_artifacts_and_a_copied_version_are_found(world: World) -> None:
    run = world.tracking.create_run(world.tracking.ensure_experiment("notebooks").id, name="old")
    saved = notebook.as_skops(notebook.fitted())
    files = {"MLmodel": notebook.mlmodel(saved, notebook.INPUTS), saved.file: saved.data}
    notebook.put(world, f"runs/{run.id}/artifacts/my=20model", files)
    first = notebook.register(world, source=f"runs:/{run.id}/my model", model="from runs")
    second = notebook.register(world, source=f"mlflow-artifacts:/7/{run.id}/artifacts/my%20model", model="from runs")
    copied = notebook.register(world, source=f"models:/from runs/{second}", model="copied")
    assert adopted(world, Wish("from runs", first, "rain")).outcome.version == 1
    assert adopted(world, Wish("from runs", second, "rain")).outcome.version == 2
    assert adopted(world, Wish("copied", copied, "rain")).outcome.version == 3


def test_a_model_that_was_logged_as_onnx_is_adopted(world: World) -> None:
    trained = world.registry.version("rain", world.train().version or 0)
    onnx = read_package(world.platform.blobs, trained.source, trained.digest).files["model.onnx"]
    tensors = [
        {"type": "tensor", "name": name, "tensor-spec": {"dtype": dtype, "shape": [-1, 1]}}
        for name, dtype in (("wetness", "float64"), ("hectopascal", "float64"), ("sky", "str"))
    ]
    about = {"flavors": {"onnx": {"data": "model.onnx"}}, "signature": {"inputs": json.dumps(tensors)}}
    files = {"MLmodel": json.dumps(about).encode(), "model.onnx": onnx}
    notebook.put(world, "logged-models/m-onnx/artifacts", files)
    number = notebook.register(world, source="models:/m-onnx")
    version = world.registry.version("rain", adopted(world, Wish("rain", number)).outcome.version or 0)
    assert (version.tags["runtime"], version.metrics) == ("onnx", trained.metrics)
    tensors[2]["tensor-spec"] = {"dtype": "float64", "shape": [-1, 1]}
    about["signature"] = {"inputs": json.dumps(tensors)}
    notebook.put(world, "logged-models/m-onnx/artifacts", {"MLmodel": json.dumps(about).encode()})
    with pytest.raises(InvalidInputError) as caught:
        adopted(world, Wish("rain", notebook.register(world, source="models:/m-onnx")))
    assert caught.value.problems == ("sky is double there and string here",)


def test_another_version_of_scikit_learn_is_told(world: World) -> None:
    number = notebook.log(world, notebook.as_skops(notebook.fitted()), sklearn="1.4.2")
    (note,) = adopted(world, Wish("rain", number)).notes
    assert "fitted with scikit-learn 1.4.2" in note


def test_a_flavour_that_cannot_be_adopted_is_named(world: World) -> None:
    files = {"MLmodel": b"flavors:\n  prophet:\n    data: model.pr\n"}
    notebook.put(world, "logged-models/m-prophet/artifacts", files)
    with pytest.raises(InvalidInputError, match="has the flavours prophet"):
        adopted(world, Wish("rain", notebook.register(world, source="models:/m-prophet")))


def test_a_run_of_an_adoption_is_neither_trained_nor_reproduced(world: World) -> None:
    number = notebook.log(world, notebook.as_skops(notebook.fitted()))
    run_id = adopted(world, Wish("rain", number)).outcome.run_id
    with pytest.raises(ConflictError, match="`loopwright adopt rain 1`"):
        resume(world.platform, world.project, run_id)
    with pytest.raises(InvalidInputError, match="was adopted from rain/1"):
        reproduce(world.platform, world.project, run_id)
