import hashlib
import threading
from dataclasses import replace

import pytest

from loopwright.errors import AlreadyExistsError, InvalidInputError, NotFoundError
from loopwright.ports import Platform
from loopwright.tracking import DatasetInput, DatasetUse, Metric, Run, Tracking
from loopwright.tracking.entries import PART_BYTES


def test_one_call_logs_everything(tracking: Tracking, run: Run) -> None:
    tracking.log_batch(
        "run1",
        metrics=[Metric("auc", 0.7, 5.0, 1), Metric("loss", 0.2, 5.0)],
        params={"depth": 3, "rate": 0.1, "kind": "forest", "balanced": True},
        tags={"note": "x"},
    )
    found = tracking.run("run1")
    assert found.metrics == {"auc": Metric("auc", 0.7, 5.0, 1), "loss": Metric("loss", 0.2, 5.0)}
    assert found.params == {"depth": "3", "rate": "0.1", "kind": "forest", "balanced": "True"}
    assert found.tags["note"] == "x"


def test_a_param_is_set_once_and_the_same_again_is_fine(tracking: Tracking, run: Run) -> None:
    tracking.log_batch("run1", params={"depth": 3})
    tracking.log_batch("run1", params={"depth": 3, "rate": 1})
    with pytest.raises(InvalidInputError, match="param 'depth' is '3' and cannot become '4'") as caught:
        tracking.log_batch("run1", params={"depth": 4, "new": 1}, tags={"a": "b"}, metrics=[Metric("auc", 1, 1)])
    assert caught.value.problems == ("param 'depth' is '3' and cannot become '4'",)
    found = tracking.run("run1")
    assert (found.params, found.metrics, "a" in found.tags) == ({"depth": "3", "rate": "1"}, {}, False)
    assert tracking.metric_history("run1", "auc") == []


def test_tags_are_overwritten_and_removed(tracking: Tracking, run: Run) -> None:
    tracking.log_batch("run1", tags={"note": "x"})
    tracking.log_batch("run1", tags={"note": "y"})
    assert tracking.run("run1").tags["note"] == "y"
    tracking.remove_tag("run1", "note")
    assert "note" not in tracking.run("run1").tags
    with pytest.raises(NotFoundError, match="run1 has no tag 'note'"):
        tracking.remove_tag("run1", "note")


def test_inputs_are_kept_once(tracking: Tracking, run: Run) -> None:
    flights = DatasetInput("flights", "sha256:1", "lake", 7, "training")
    weather = DatasetInput("weather", "sha256:2", "lake", 3, "training")
    tracking.log_inputs("run1", [weather, flights])
    tracking.log_inputs("run1", [flights])
    assert tracking.run("run1").inputs == (flights, weather)


def test_of_inputs_of_one_name_and_digest_the_first_stays(tracking: Tracking, run: Run) -> None:
    tracking.log_inputs("run1", [DatasetInput("flights", "1", "lake", context="training", tags={"a": "b"})])
    tracking.log_inputs("run1", [DatasetInput("flights", "1", "other", context="eval")])
    assert tracking.run("run1").inputs == (DatasetInput("flights", "1", "lake", context="training", tags={"a": "b"}),)


def test_what_a_data_set_looks_like_is_kept_once_an_experiment(
    tracking: Tracking, run: Run, platform: Platform
) -> None:
    other = tracking.create_run(run.experiment_id, name="second", run_id="run2")
    wide = "columns" * 10_000
    tracking.log_inputs("run1", [DatasetInput("flights", "1", "lake", schema=wide, profile="rows")])
    tracking.log_inputs("run2", [DatasetInput("flights", "1", "lake", schema="other"), DatasetInput("b", "2", "lake")])
    first, second = tracking.detailed([tracking.run("run1"), tracking.run("run2")])
    assert [(one.schema, one.profile) for one in first.inputs] == [(wide, "rows")]
    assert [(one.name, one.schema) for one in second.inputs] == [("b", ""), ("flights", wide)]
    assert tracking.run("run1").inputs[0].schema == ""
    (head,) = platform.table.query(f"experiment/{run.experiment_id}", prefix="run/", limit=1)
    assert len(str(head.value)) < 2_000
    assert tracking.detailed([other]) == [other]


def test_an_experiment_knows_what_its_runs_read(tracking: Tracking, run: Run) -> None:
    training, test = DatasetInput("b", "1", "lake", context="training"), DatasetInput("b", "1", "lake", context="test")
    tracking.log_inputs("run1", [training, DatasetInput("a", "2", "lake")])
    tracking.create_run(run.experiment_id, name="second", run_id="run2")
    tracking.log_inputs("run2", [test])
    tracking.log_inputs("run2", [training])
    # Of one name and digest the first stays, so this is not what a run reads.
    tracking.log_inputs("run2", [DatasetInput("b", "1", "lake", context="nothing")])
    a = DatasetInput("a", "2", "lake")
    tracking.log_inputs("run2", [a, replace(a, context="nothing")])
    assert tracking.dataset_uses(run.experiment_id, limit=9) == [
        DatasetUse("a", "2", ""), DatasetUse("b", "1", "test"), DatasetUse("b", "1", "training"),
    ]  # fmt: skip
    assert len(tracking.dataset_uses(run.experiment_id, limit=2)) == 2
    assert tracking.dataset_uses("unknown", limit=9) == []


def test_a_tag_may_be_a_growing_list(tracking: Tracking, run: Run) -> None:
    for number in range(3):
        tracking.append_to_tag("run1", "history", {"number": number})
    assert tracking.run("run1").tags["history"] == '[{"number":0},{"number":1},{"number":2}]'
    tracking.log_batch("run1", tags={"history": "no list"})
    with pytest.raises(InvalidInputError, match="tag 'history' is no JSON array"):
        tracking.append_to_tag("run1", "history", {})
    with pytest.raises(InvalidInputError, match="would have more than 500,000 characters"):
        tracking.append_to_tag("run1", "long", {"text": "x" * 500_000})


def test_a_data_set_that_is_too_long_even_when_compressed_is_refused(tracking: Tracking, run: Run) -> None:
    # Half of these bytes are chance, so that they hardly get shorter.
    profile = b"".join(hashlib.sha256(b"%d" % number).digest() for number in range(40_000)).hex()
    with pytest.raises(InvalidInputError, match="at most 900,000 are kept: log them as an artifact"):
        tracking.log_inputs("run1", [DatasetInput("flights", "1", "lake", profile=profile)])
    assert tracking.run("run1") == run


def test_models_that_a_run_reads_and_makes_are_kept_once(tracking: Tracking, run: Run) -> None:
    tracking.log_inputs("run1", [], models=["m-1", "m-2"])
    tracking.log_inputs("run1", [], models=["m-2"])
    tracking.log_outputs("run1", {"m-3": 7})
    tracking.log_outputs("run1", {"m-3": 7, "m-4": 0})
    found = tracking.run("run1")
    assert (found.model_inputs, found.model_outputs) == (("m-1", "m-2"), {"m-3": 7, "m-4": 0})
    with pytest.raises(AlreadyExistsError, match="made model m-3 at step 7, not 8"):
        tracking.log_outputs("run1", {"m-5": 1, "m-3": 8})
    assert tracking.run("run1") == found
    with pytest.raises(InvalidInputError, match="no logged model is called so"):
        tracking.log_outputs("run1", {"../x": 1})


def test_an_empty_name_renames_nothing(tracking: Tracking, run: Run) -> None:
    tracking.log_batch("run1", tags={"mlflow.runName": ""})
    assert tracking.run("run1") == run


def test_sixteen_writers_to_one_run_lose_nothing(tracking: Tracking, run: Run) -> None:
    def write(number: int) -> None:
        for step in range(10):
            tracking.log_batch(
                "run1",
                metrics=[Metric("shared", number, step, step), Metric(f"own{number}", step, step, step)],
                params={f"p{number}.{step}": step},
                tags={f"t{number}": str(step)},
            )

    threads = [threading.Thread(target=write, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = tracking.run("run1")
    assert len(tracking.metric_history("run1", "shared")) == 160
    assert len(found.params) == 160
    assert {found.tags[f"t{number}"] for number in range(16)} == {"9"}
    assert found.metrics["shared"] == Metric("shared", 15.0, 9.0, 9)
    assert all(found.metrics[f"own{number}"].value == 9 for number in range(16))


def test_a_run_with_thousands_of_long_params_stays_in_small_items(
    tracking: Tracking, run: Run, platform: Platform
) -> None:
    for batch in range(8):
        tracking.log_batch("run1", params={f"p{batch}.{number}": "x" * 1_000 for number in range(100)})
    tracking.log_batch("run1", params={"p0.0": "x" * 1_000}, metrics=[Metric("auc", 0.5, 1.0)], tags={"a": "b"})
    tracking.log_batch("run1", tags={"a": "c" * 8_000})
    found = tracking.run("run1")
    assert len(found.params) == 800
    assert found.tags["a"] == "c" * 8_000
    assert found.metrics["auc"].value == 0.5
    assert next(tracking.runs(run.experiment_id)) == found
    for partition in (f"experiment/{run.experiment_id}", "run/run1"):
        for item in platform.table.query(partition):
            packed = item.value.get("entries", b"")
            assert isinstance(packed, bytes)
            assert len(packed) <= PART_BYTES + 100
    with pytest.raises(InvalidInputError, match="cannot become"):
        tracking.log_batch("run1", params={"p7.99": "y"})


def test_a_reader_never_sees_half_a_call_even_of_a_run_in_parts(tracking: Tracking, run: Run) -> None:
    for batch in range(3):
        tracking.log_batch("run1", params={f"p{batch}.{number}": "x" * 1_000 for number in range(100)})
    # One tag fits beside the first params, the other one only in a further part.
    tracking.log_batch("run1", tags={"mlflow.runName": "0", "late": "0"})
    done = threading.Event()

    def write() -> None:
        for number in range(1, 60):
            tracking.log_batch("run1", tags={"mlflow.runName": str(number), "late": str(number)})
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    seen: set[str] = set()
    while not done.is_set() or not seen:
        found = tracking.run("run1")
        assert found.name == found.tags["mlflow.runName"] == found.tags["late"]
        seen.add(found.name)
    writer.join()
    assert tracking.run("run1").tags["late"] == "59"
    assert seen


def test_a_full_batch_is_one_write_of_the_run(tracking: Tracking, run: Run, platform: Platform) -> None:
    (before,) = platform.table.query(f"experiment/{run.experiment_id}")
    tracking.log_batch("run1", metrics=[Metric(f"m{number}", number, 1.0) for number in range(1_000)])
    (after,) = platform.table.query(f"experiment/{run.experiment_id}")
    assert after.version == before.version + 1
    assert len(tracking.run("run1").metrics) == 1_000
    assert tracking.metric_history("run1", "m999") == [Metric("m999", 999.0, 1.0)]


def test_nothing_new_writes_nothing(tracking: Tracking, run: Run, platform: Platform) -> None:
    tracking.log_batch("run1", params={"a": 1}, tags={"b": "c"})
    (before,) = platform.table.query(f"experiment/{run.experiment_id}")
    tracking.log_batch("run1", params={"a": 1}, tags={"b": "c"})
    (after,) = platform.table.query(f"experiment/{run.experiment_id}")
    assert after.version == before.version


@pytest.mark.parametrize(
    ("batch", "problem"),
    [
        ({"metrics": [Metric(f"m{n}", 1, 1) for n in range(1_001)]}, "at most 1,000 metrics, not 1,001: split it"),
        ({"params": {f"p{n}": 1 for n in range(101)}}, "at most 100 params, not 101"),
        ({"tags": {f"t{n}": "x" for n in range(101)}}, "at most 100 tags, not 101"),
        (
            {"metrics": [Metric(f"m{n}", 1, 1) for n in range(950)], "params": {f"p{n}": 1 for n in range(60)}},
            "at most 1,000 metrics, params and tags together, not 1,010",
        ),
        ({"params": {"k" * 251: 1}}, "a key has at most 250 characters, not 251"),
        ({"params": {"k": "v" * 6_001}}, "param 'k' has 6,001 characters, at most 6,000"),
        ({"tags": {"k": "v" * 8_001}}, "tag 'k' has 8,001 characters, at most 8,000"),
        ({"tags": {"a\nb": "x"}}, "a key has letters"),
        ({"params": {"": 1}}, "a key has letters"),
        ({"params": {"../a": 1}}, "reads like a relative path"),
        ({"params": {"a//b": 1}}, "reads like a relative path"),
        ({"metrics": [Metric("/a", 1, 1)]}, "reads like a relative path"),
        ({"metrics": [Metric("a", 1, -1)]}, "timestamp -1 is no moment"),
        ({"metrics": [Metric("a", 1, 1, 2**63)]}, "does not fit 64 bits"),
    ],
)
def test_what_mlflow_refuses_is_refused_whole(
    tracking: Tracking, run: Run, batch: dict[str, object], problem: str
) -> None:
    with pytest.raises(InvalidInputError, match=problem):
        tracking.log_batch("run1", **batch)
    assert tracking.run("run1") == run


def test_inputs_with_endless_texts_are_refused(tracking: Tracking, run: Run) -> None:
    with pytest.raises(InvalidInputError, match="source has 65,536 characters"):
        tracking.log_inputs("run1", [DatasetInput("a", "b", "c" * 65_536)])
