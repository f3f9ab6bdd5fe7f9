from dataclasses import replace

import msgspec
import numpy as np
import pytest

from loopwright.errors import DefinitionError
from loopwright.models import load_scorer
from loopwright.models.package import read_package
from pipelines.steps import StepEvent
from pipelines.train import PIPELINE
from tests.pipelines.weather import AT, World


def test_a_training_ends_with_a_champion_that_scores(world: World) -> None:
    outcome = world.train()
    assert outcome.promoted
    assert outcome.verdict is not None
    assert outcome.verdict.passed
    assert world.registry.routing("rain").champion == outcome.version == 1
    version = world.registry.version("rain", 1)
    scorer = load_scorer(world.platform.blobs, version.source, version.digest)
    rows = {
        "wetness": np.array([0.95, 0.25]),
        "hectopascal": np.full(2, 1013.0),
        "sky": np.array(["overcast", "clear"], dtype=object),
    }
    score = scorer.score(rows).score
    assert score[0] > 0.8
    assert score[1] < 0.4


def test_a_run_tells_everything_about_itself(world: World) -> None:
    outcome = world.train(parameters={"c": 0.5})
    run_of = world.tracking.run(outcome.run_id)
    assert run_of.status == "FINISHED"
    assert run_of.params == {"c": "0.5"}
    assert {"roc_auc", "log_loss", "rows", "held_out_rows", "latency_ms", "loss"} <= set(run_of.metrics)
    assert [point.step for point in world.tracking.metric_history(outcome.run_id, "loss")] == [0, 1, 2]
    assert {one.name for one in run_of.inputs} == {"observations", "pressure"}
    assert all(one.digest.startswith("sha256:") and one.version == 0 for one in run_of.inputs)
    for tag in ("commit", "code", "environment", "features", "reason", "who", "version", "promoted", "digest"):
        assert run_of.tags[f"loopwright.{tag}"]
    assert run_of.user == run_of.tags["mlflow.user"] == run_of.tags["loopwright.who"]
    source = f"loopwright/{world.project.name}"
    assert (run_of.tags["mlflow.source.name"], run_of.tags["mlflow.source.type"]) == (source, "JOB")
    assert run_of.tags["mlflow.note.content"].endswith("Version 1: the gate passed, promoted.")
    artifacts = {one.path for one in world.tracking.artifacts(outcome.run_id)}
    assert {"lineage/dirty.diff", "lineage/environment.txt", "model/card.md", "verdict.json"} <= artifacts


def test_a_package_is_an_mlflow_model_with_a_card_and_a_profile(world: World) -> None:
    world.train()
    version = world.registry.version("rain", 1)
    package = read_package(world.platform.blobs, version.source, version.digest)
    assert set(package.files) == {
        "MLmodel",
        "card.md",
        "input_example.json",
        "model.onnx",
        "profile.json",
        "requirements.txt",
    }
    mlmodel = msgspec.json.decode(package.files["MLmodel"])
    assert mlmodel["run_id"] == version.run_id
    names = [one["name"] for one in msgspec.json.decode(mlmodel["signature"]["inputs"])]
    assert names == ["wetness", "hectopascal", "sky"]
    assert b"onnxruntime==" in package.files["requirements.txt"]
    card = package.files["card.md"].decode()
    assert "`observations` version 0" in card
    assert "roc_auc" in card


def test_a_version_knows_what_it_was_made_of(world: World) -> None:
    outcome = world.train()
    version = world.registry.version("rain", 1)
    assert version.run_id == outcome.run_id
    assert {pin.table for pin in version.lineage.datasets} == {"observations", "pressure"}
    assert version.lineage.code_digest.startswith("sha256:")
    assert version.lineage.parameters == {"c": 1.0}


def test_the_same_request_is_the_same_run_and_is_done_once(world: World) -> None:
    first = world.train()
    events: list[StepEvent] = []
    assert world.train(progress=events.append) == first
    assert events == []
    assert len(world.registry.versions("rain")) == 1


def test_a_finished_run_leaves_no_checkpoint(world: World) -> None:
    world.train()
    assert list(world.platform.blobs.list("checkpoints/")) == []


def test_progress_is_told_step_by_step(world: World) -> None:
    events: list[StepEvent] = []
    world.train(progress=events.append)
    assert [one.step for one in events if one.state == "finished"] == [step.name for step in PIPELINE.steps]


def test_everybody_is_told(world: World) -> None:
    world.train()
    types = [event.type for event in reversed(world.platform.events.recent())]
    assert types == ["loopwright.training.started", "loopwright.registry.promoted", "loopwright.training.finished"]


def test_a_failure_is_recorded_told_and_may_be_repaired(world: World) -> None:
    def broken(*_: object) -> object:
        raise ValueError("no convergence")

    bad = replace(world.project, models=(replace(world.project.models[0], train=broken),))
    with pytest.raises(DefinitionError, match="no convergence"):
        world.train(bad)
    experiment = world.tracking.experiment_by_name("rain")
    (failed,) = world.tracking.runs(experiment.id)
    assert failed.status == "FAILED"
    assert "no convergence" in failed.tags["loopwright.error"]
    assert "It failed: " in failed.tags["mlflow.note.content"]
    assert "loopwright.training.failed" in {event.type for event in world.platform.events.recent()}
    assert world.train().promoted
    repaired = world.tracking.run(failed.id)
    assert repaired.status == "FINISHED"
    assert "loopwright.error" not in repaired.tags


def test_what_failed_is_tried_again_but_what_was_finished_is_not(world: World) -> None:
    calls: list[int] = []

    def fails_once(*arguments: object) -> object:
        calls.append(1)
        if len(calls) == 1:
            raise ValueError("out of luck")
        return world.rain.fit(*arguments)

    project = replace(world.project, models=(replace(world.project.models[0], train=fails_once),))
    with pytest.raises(DefinitionError):
        world.train(project)
    events: list[StepEvent] = []
    assert world.train(project, progress=events.append).promoted
    assert [one.step for one in events if one.state == "restored"] == ["snapshot", "validate", "features"]


def test_a_model_that_does_not_pass_is_registered_but_not_promoted(world: World) -> None:
    model = world.project.models[0]
    strict = replace(model, gate=replace(model.gate, minimum=0.999))
    outcome = world.train(replace(world.project, models=(strict,)))
    assert not outcome.promoted
    assert world.registry.routing("rain").champion is None
    verdict = world.registry.version("rain", 1).verdict
    assert verdict is not None
    assert any("roc_auc >= 0.999" in message for message in verdict.refusals)


def test_a_challenger_is_judged_on_the_champion_s_held_out_rows(world: World) -> None:
    world.train()
    world.platform.lake.append("observations", world.rain.past_cases(20, seed=5))
    outcome = world.train(at=AT + 1)
    assert outcome.version == 2
    assert outcome.verdict is not None
    assert outcome.verdict.champion_version == 1
    assert outcome.verdict.champion["roc_auc"] is not None
    assert "champion_roc_auc" in world.tracking.run(outcome.run_id).metrics


def test_a_damaged_champion_does_not_stop_its_successor(world: World) -> None:
    world.train()
    source = world.registry.version("rain", 1).source
    world.platform.blobs.put(f"{source}/model.onnx", b"damaged")
    outcome = world.train(at=AT + 1)
    assert outcome.promoted
    assert outcome.verdict is not None
    assert any("was changed" in reason.got for reason in outcome.verdict.reasons)


def test_somebody_else_s_promotion_in_between_leads_to_a_new_comparison(world: World) -> None:
    world.train()

    def interfere(event: StepEvent) -> None:
        if (event.step, event.state) == ("evaluate", "finished"):
            world.train(at=AT + 1)

    outcome = world.train(at=AT + 2, progress=interfere)
    assert outcome.verdict is not None
    assert outcome.verdict.champion_version == 2
    assert world.registry.version("rain", 3).verdict == outcome.verdict
    assert outcome.promoted == (world.registry.routing("rain").champion == 3)


def test_labelled_predictions_are_learned_from(world: World) -> None:
    lake = world.platform.lake
    cases = world.rain.past_cases(10, seed=9)
    ids = np.array([f"p{place}" for place in range(100)], dtype=object)
    logged = {name: cases[name] for name in ("station", "humidity", "sky")} | {
        "prediction_id": ids,
        "predicted_at": cases["event_time"],
        "arm": np.full(len(ids), "champion", dtype=object),
    }
    lake.append("predictions/rain", logged)
    lake.append("predictions/rain", logged | {"arm": np.full(len(ids), "shadow", dtype=object)})
    labels = {
        "prediction_id": ids[:60],
        "label": (cases["rained"][:60] == "yes").astype(np.float64),
        "labeled_at": cases["event_time"][:60],
        "received_at": cases["event_time"][:60],
    }
    lake.append("labels/rain", labels)
    lake.append("labels/rain", labels)
    metrics = world.tracking.run(world.train().run_id).metrics
    assert metrics["feedback_rows"].value == 60
    assert metrics["rows"].value == 640


def test_what_happened_after_the_moment_is_not_learned(world: World) -> None:
    metrics = world.tracking.run(world.train(at=AT - 20 * 86_400).run_id).metrics
    assert metrics["rows"].value < 400
