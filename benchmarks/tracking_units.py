"""What each call of a notebook costs at the provider: units of DynamoDB, documents of Firestore, and calls to either.

They are counted where they leave for the provider, by its own rules (AWS, "DynamoDB read and write operations"; Google,
"Understand Cloud Firestore billing"), so that the look before each conditional write, and both units of a
transaction's write, are in it. The stores are stand-ins on this machine, and cost nothing.
"""

import base64
import io
import json
import math
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from typing import Any

import adapters.aws.api
import adapters.gcp.api
from adapters import open_platform
from adapters.aws.signing import Request
from adapters.connections import Reply
from benchmarks.serving.sides import ROOT
from functions.lambda_http import LambdaHttp
from functions.tracking.app import create_app
from loopwright.definitions.project import load_project
from loopwright.ports import Platform
from loopwright.settings import DEFAULT_SUBSCRIPTIONS, Settings
from tests.clouds.aws import moto
from tests.clouds.aws import throwaway as throwaway_aws
from tests.clouds.google.throwaway import throwaway as throwaway_google
from tests.clouds.google.world import SERVICES, google
from tests.clouds.tools import MissingToolError

READ_UNIT, WRITE_UNIT = 4_096, 1_024
PARAMS, METRICS, POINTS = 20, 50, 1_000


@dataclass
class Meter:
    """What has been used since the last look."""

    reads: int = 0
    writes: int = 0
    calls: int = 0
    sizes: dict[str, int] = field(default_factory=dict)

    def taken(self) -> tuple[int, int, int]:
        """Return reads, writes and calls, and begin again."""
        found = (self.reads, self.writes, self.calls)
        self.reads = self.writes = self.calls = 0
        return found

    def dynamo(self, operation: str, asked: Mapping[str, Any], told: Mapping[str, Any]) -> None:
        """Count a call of DynamoDB; all reads are strongly consistent."""
        self.calls += 1
        match operation:
            case "GetItem":
                self.reads += _units(_size(told.get("Item", {})), READ_UNIT)
            case "BatchGetItem":
                found = [one for items in told["Responses"].values() for one in items]
                keys = sum(len(one["Keys"]) for one in asked["RequestItems"].values())
                self.reads += sum(_units(_size(one), READ_UNIT) for one in found) + keys - len(found)
            case "Query":
                self.reads += _units(sum(map(_size, told["Items"])), READ_UNIT)
            case "PutItem":
                self.writes += self._written(asked["Item"])
            case "DeleteItem" | "UpdateItem":
                self.writes += 1
            case "TransactWriteItems":
                for act in asked["TransactItems"]:
                    ((kind, one),) = act.items()
                    self.writes += 2 * (self._written(one["Item"]) if kind == "Put" else 1)
            case _:
                raise ValueError(operation)

    def firestore(self, operation: str, asked: Mapping[str, Any], told: Sequence[Mapping[str, Any]]) -> None:
        """Count a call of Firestore: a document is a unit, whatever its size."""
        self.calls += 1
        match operation:
            case "batchGet":
                self.reads += len(asked["documents"])
            case "runQuery":
                self.reads += max(1, sum("document" in part for part in told))
            case "commit":
                self.writes += len(asked["writes"])
            case "rollback":
                pass
            case _:
                raise ValueError(operation)

    def _written(self, item: Mapping[str, Any]) -> int:
        """Return the units of a put: of the larger of what was there and what is there now."""
        name, size = f"{item['pk']['S']} {item['sk']['S']}", _size(item)
        before = self.sizes.get(name, 0)
        self.sizes[name] = size
        return _units(max(size, before), WRITE_UNIT)


def main() -> None:
    with redirect_stdout(io.StringIO()), dynamo() as (platform, meter):  # measurements are written there
        mine = costs(platform, meter)
    try:
        with redirect_stdout(io.StringIO()), firestore() as (platform, meter):
            theirs = costs(platform, meter)
    except MissingToolError as missing:
        print(f"Firestore: {missing}", file=sys.stderr)
        theirs = {}
    print("| call | DynamoDB: read units | write units | calls | Firestore: reads | writes | calls |")
    print("|---|---|---|---|---|---|---|")
    for name, found in mine.items():
        cells = [*found, *theirs.get(name, ("", "", ""))]
        print(f"| {name} | {' | '.join(map(str, cells))} |")


@contextmanager
def dynamo() -> Iterator[tuple[Platform, Meter]]:
    """Open a platform on DynamoDB with a meter in between."""
    meter, send = Meter(), adapters.aws.api.Api.send

    def metered(self: adapters.aws.api.Api, request: Request) -> Reply:
        reply = send(self, request)
        target = request.headers.get("X-Amz-Target", "")
        if target.startswith("DynamoDB_"):
            meter.dynamo(target.partition(".")[2], json.loads(request.body), json.loads(reply.body or b"{}"))
        return reply

    adapters.aws.api.Api.send = metered
    try:
        with throwaway_aws(moto(), DEFAULT_SUBSCRIPTIONS) as place:
            yield (
                open_platform(
                    Settings("aws", ROOT / ".loopwright", ROOT / "examples" / "flights", place=place.to_env())
                ),
                meter,
            )
    finally:
        adapters.aws.api.Api.send = send


@contextmanager
def firestore() -> Iterator[tuple[Platform, Meter]]:
    """Open a platform on Firestore with a meter in between."""
    meter, send = Meter(), adapters.gcp.api.Api.send

    def metered(
        self: adapters.gcp.api.Api, method: str, path: str, body: bytes = b"", **rest: Mapping[str, Any]
    ) -> Reply:
        reply = send(self, method, path, body, **rest)
        if method == "POST" and "/documents" in path:
            meter.firestore(path.rpartition(":")[2], json.loads(body), json.loads(reply.body or b"{}"))
        return reply

    adapters.gcp.api.Api.send = metered
    try:
        with throwaway_google(google(*SERVICES), DEFAULT_SUBSCRIPTIONS) as place:
            yield (
                open_platform(
                    Settings("gcp", ROOT / ".loopwright", ROOT / "examples" / "flights", place=place.to_env())
                ),
                meter,
            )
    finally:
        adapters.gcp.api.Api.send = send


def costs(platform: Platform, meter: Meter) -> dict[str, tuple[int, int, int]]:
    """Return what each call takes, in a process that has answered before."""
    ask = Asking(platform)
    found: dict[str, tuple[int, int, int]] = {}

    def note(name: str) -> None:
        found[name] = meter.taken()

    experiment = ask.post("experiments/create", {"name": "one"})["experiment_id"]
    meter.taken()
    run_id = ask.new_run(experiment)
    note("`runs/create`")
    ask.post("runs/log-batch", {"run_id": run_id, **_entries()})
    note(f"`runs/log-batch`, {PARAMS} params and {METRICS} metrics")
    ask.post("runs/log-batch", {"run_id": run_id, "metrics": _points("loss", POINTS)})
    note(f"`runs/log-batch`, {POINTS:,} points of a metric")
    ask.post("runs/log-metric", {"run_id": run_id, "key": "loss", "value": 0.1, "timestamp": 1, "step": POINTS})
    note("`runs/log-metric`")
    ask.post("runs/set-tag", {"run_id": run_id, "key": "team", "value": "blue"})
    note("`runs/set-tag`")
    ask.get("runs/get", f"run_id={run_id}")
    note("`runs/get`")
    ask.get("metrics/get-history", f"run_id={run_id}&metric_key=loss")
    note(f"`metrics/get-history`, {POINTS + 1:,} points")
    ask.post("runs/update", {"run_id": run_id, "status": "FINISHED", "end_time": 1})
    note("`runs/update`, its end")
    for _ in range(99):
        ask.post("runs/log-batch", {"run_id": ask.new_run(experiment), **_entries()})
    meter.taken()
    ask.post("runs/search", {"experiment_ids": [experiment], "max_results": 100})
    note("`runs/search`, a page of 100 such runs")
    ask.post("registered-models/create", {"name": "forest"})
    note("`registered-models/create`")
    source = {"name": "forest", "source": f"mlflow-artifacts:/{experiment}/{run_id}/artifacts/m", "run_id": run_id}
    ask.post("model-versions/create", source)
    note("`model-versions/create`")
    ask.post("registered-models/alias", {"name": "forest", "alias": "blue", "version": "1"})
    note("`registered-models/alias`")
    ask.get("registered-models/alias", "name=forest&alias=blue")
    note("`registered-models/alias`, read")
    ask.get("model-versions/search", f"filter=run_id%3D'{run_id}'")
    note("`model-versions/search`, those of a run")
    ask.get("registered-models/search", "max_results=100")
    note("`registered-models/search`, one model")
    return found


class Asking:
    """Sends requests to the tracking function as Lambda does."""

    def __init__(self, platform: Platform) -> None:
        self._app = LambdaHttp(create_app(platform, load_project(ROOT / "examples" / "flights")))

    def new_run(self, experiment: str) -> str:
        tags = [{"key": "mlflow.user", "value": "ann"}, {"key": "mlflow.source.name", "value": "train.py"}]
        made = self.post(
            "runs/create", {"experiment_id": experiment, "start_time": int(time.time() * 1e3), "tags": tags}
        )
        return made["run"]["info"]["run_id"]

    def post(self, call: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return self._ask("POST", call, "", json.dumps(body))

    def get(self, call: str, query: str) -> dict[str, Any]:
        return self._ask("GET", call, query, "")

    def _ask(self, method: str, call: str, query: str, body: str) -> dict[str, Any]:
        path = f"/api/2.0/mlflow/{call}"
        context = {"http": {"method": method, "path": path, "sourceIp": "1.2.3.4"}}
        event = {"version": "2.0", "rawQueryString": query, "headers": {}, "requestContext": context, "body": body}
        answer = self._app({**event, "isBase64Encoded": False})
        if answer["statusCode"] != 200:
            raise RuntimeError(f"{call}: {answer}")
        return json.loads(str(answer["body"]))


def _entries() -> dict[str, Any]:
    params = [{"key": f"param_{one}", "value": f"value {one}"} for one in range(PARAMS)]
    metrics = [{"key": f"metric_{one}", "value": one / 7, "timestamp": 1, "step": 0} for one in range(METRICS)]
    return {"params": params, "metrics": metrics}


def _points(key: str, count: int) -> list[dict[str, Any]]:
    return [{"key": key, "value": 1 / (one + 1), "timestamp": one, "step": one} for one in range(count)]


def _units(size: int, unit: int) -> int:
    return max(1, math.ceil(size / unit))


def _size(item: Mapping[str, Mapping[str, str]]) -> int:
    """Return the bytes of an item, names and values."""
    return sum(len(name.encode()) + _bytes(*next(iter(value.items()))) for name, value in item.items())


def _bytes(kind: str, value: str) -> int:
    match kind:
        case "B":
            return len(base64.b64decode(value))
        case "N":
            return math.ceil(len(value) / 2) + 1
        case _:
            return len(value.encode())


if __name__ == "__main__":
    main()
