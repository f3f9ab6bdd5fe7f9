"""A pickle is opened only where somebody says that they trust it, and only by a process that has nothing."""

import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import BaseEstimator

from loopwright.errors import InvalidInputError
from loopwright.models import load_scorer
from pipelines.adopt import Wish
from pipelines.adopting.opening import _alone
from tests.pipelines.adopting import notebook
from tests.pipelines.adopting.test_adopt import adopted
from tests.pipelines.weather import World


class Spy:
    """Runs a command when it is opened."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (self.command,)


class Own(BaseEstimator):
    """An estimator that nobody else has."""


@pytest.mark.parametrize("kind", ["pickle", "cloudpickle"])
def test_a_pickle_is_not_opened_unless_somebody_trusts_it(world: World, tmp_path: Path, kind: str) -> None:
    trace = tmp_path / "trace"
    number = notebook.log(world, notebook.as_pickle(Spy(f"touch {trace}"), kind))
    with pytest.raises(InvalidInputError, match=r"serialization_format='skops'.*--trust-pickle"):
        adopted(world, Wish("rain", number))
    assert not trace.exists()
    # Nothing was begun either.
    assert world.tracking.experiments() == []


def test_a_trusted_pickle_is_converted_and_answers_as_before(world: World) -> None:
    model = notebook.fitted(("sky", "wetness", "hectopascal"))
    number = notebook.log(world, notebook.as_pickle(model))
    done = adopted(world, Wish("rain", number, trust_pickle=True))
    version = world.registry.version("rain", done.outcome.version)
    scorer = load_scorer(world.platform.blobs, version.source, version.digest)
    frame, _ = notebook.rows(50, seed=8)
    columns = {name: frame[name].to_numpy(dtype=object if name == "sky" else float) for name in frame}
    assert np.allclose(scorer.score(columns).score, model.predict_proba(frame)[:, 1], atol=1e-6)
    kept = [blob.key for blob in world.platform.blobs.list(f"runs/{done.outcome.run_id}/")]
    assert kept
    assert not [key for key in kept if key.endswith((".pkl", ".pickle"))]


def test_what_a_pickle_does_is_done_without_our_environment(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("LOOPWRIGHT_HOME", "secret")
    seen = tmp_path / "seen"
    number = notebook.log(world, notebook.as_pickle(Spy(f"env > {seen}; pwd >> {seen}")))
    with pytest.raises(InvalidInputError, match="cannot be converted"):
        adopted(world, Wish("rain", number, trust_pickle=True))
    told = seen.read_text()
    assert "secret" not in told
    assert not [line for line in told.splitlines() if line.startswith(("AWS", "GOOGLE", "LOOPWRIGHT", "MLFLOW"))]
    # Its folder is gone with it.
    assert not Path(told.splitlines()[-1]).exists()


def test_a_pickle_has_no_network_and_sees_nobody_where_the_system_allows_that(world: World, tmp_path: Path) -> None:
    alone = _alone()
    if not alone:
        pytest.skip("this system has no namespaces for users (unshare)")
    seen = tmp_path / "seen"
    look = f"cat /proc/net/dev > {seen}; ls /proc >> {seen}"
    number = notebook.log(world, notebook.as_pickle(Spy(look)))
    with pytest.raises(InvalidInputError, match="cannot be converted"):
        adopted(world, Wish("rain", number, trust_pickle=True))
    told = seen.read_text()
    assert [line.split(":")[0].strip() for line in told.splitlines() if ":" in line] == ["lo"]
    if "--pid" in alone:
        assert str(os.getpid()) not in told.splitlines()


def test_a_pickle_that_cannot_be_read_or_kept_is_an_error_in_words(world: World) -> None:
    broken = notebook.Saved("pickle", "model.pkl", b"no pickle")
    number = notebook.log(world, broken)
    with pytest.raises(InvalidInputError, match=r"cannot be converted: UnpicklingError.*scikit-learn"):
        adopted(world, Wish("rain", number, trust_pickle=True))
    number = notebook.log(world, notebook.Saved("pickle", "model.pkl", b"cos\n_exit\n(I7\ntR."))
    with pytest.raises(InvalidInputError, match="cannot be opened: exit code 7"):
        adopted(world, Wish("rain", number, trust_pickle=True))


def test_a_type_of_ones_own_is_refused_in_skops_and_in_a_pickle(world: World) -> None:
    number = notebook.log(world, notebook.as_skops(Own()))
    with pytest.raises(InvalidInputError, match=r"holds .*Own, which may not be loaded"):
        adopted(world, Wish("rain", number))
    # The process that opens it does not even know the type.
    number = notebook.log(world, notebook.Saved("pickle", "model.pkl", pickle.dumps(Own())))
    with pytest.raises(InvalidInputError, match=r"cannot be converted|may not be loaded"):
        adopted(world, Wish("rain", number, trust_pickle=True))
