"""Many clients that write to one run, or make one experiment, at the same time: nothing is lost or there twice."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import httpx
import pytest

from tests.contracts.worlds import WORLDS
from tests.mlflow.ours import our_server

WRITERS: Final = 16
BATCHES: Final = {"memory": 10, "local": 10, "moto": 2}

Post = Callable[[str, dict[str, object]], httpx.Response]


@pytest.fixture(params=BATCHES)
def world(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def post(world: str) -> Iterator[Post]:
    with WORLDS[world]() as settings, our_server(settings) as url, httpx.Client(base_url=url, timeout=120) as client:
        yield lambda path, body: client.post(f"/api/2.0/mlflow/{path}", json=body)


def told(answer: httpx.Response) -> dict[str, object]:
    assert answer.status_code == 200, answer.text
    found: dict[str, object] = answer.json()
    return found


def test_sixteen_writers_to_one_run_lose_nothing(post: Post, world: str) -> None:
    experiment = told(post("experiments/create", {"name": "delays"}))["experiment_id"]
    run = told(post("runs/create", {"experiment_id": experiment}))["run"]
    assert isinstance(run, dict)
    run_id = run["info"]["run_id"]

    def write(writer: int) -> None:
        for batch in range(BATCHES[world]):
            points = [
                {"key": key, "value": writer, "timestamp": batch, "step": writer} for key in ("all", f"m{writer}")
            ]
            params = [{"key": f"p{writer}.{batch}", "value": "x"}]
            tags = [{"key": f"t{writer}", "value": f"{batch}"}]
            told(post("runs/log-batch", {"run_id": run_id, "metrics": points, "params": params, "tags": tags}))

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(write, range(WRITERS)))
    (found,) = told(post("runs/search", {"experiment_ids": [experiment]}))["runs"]
    data = {kind: {one["key"]: one["value"] for one in found["data"][kind]} for kind in ("metrics", "params", "tags")}
    last = BATCHES[world] - 1
    assert data["params"] == {f"p{one}.{batch}": "x" for one in range(WRITERS) for batch in range(last + 1)}
    assert {data["tags"][f"t{one}"] for one in range(WRITERS)} == {f"{last}"}
    assert data["metrics"] == {"all": 15.0, **{f"m{one}": float(one) for one in range(WRITERS)}}


def test_makers_of_one_experiment_make_it_once(post: Post) -> None:
    with ThreadPoolExecutor(WRITERS) as pool:
        answers = list(pool.map(lambda _: post("experiments/create", {"name": "delays"}), range(WRITERS)))
    codes = sorted(one.json().get("error_code", "made") for one in answers)
    assert codes == ["RESOURCE_ALREADY_EXISTS"] * (WRITERS - 1) + ["made"]
