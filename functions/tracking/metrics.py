"""MLflow's calls about the histories of metrics: all points, pages of them, or so many as a chart shows."""

import base64
from collections.abc import Iterator, Sequence
from typing import Annotated, Final

import msgspec

from functions.tracking.errors import MlflowError
from functions.tracking.requests import Route, acting, missing
from functions.tracking.runs import OfRun
from functions.tracking.shapes import Text, point_shape, present
from loopwright.errors import InvalidInputError, NotFoundError
from loopwright.tracking import Metric, Tracking
from loopwright.tracking.histories import thinned

_MOST_RUNS: Final = 100
_MOST_POINTS: Final = 25_000
_MOST_OF_A_RUN: Final = 2_500


class _History(OfRun, kw_only=True):
    metric_key: Text
    max_results: int | None = None
    page_token: str = ""


class _Bulk(msgspec.Struct):
    run_id: list[str] = []
    metric_key: str | None = None
    max_results: int = _MOST_POINTS


class _Interval(msgspec.Struct, kw_only=True):
    run_ids: list[str] = []
    metric_key: Text
    start_step: int | None = None
    end_step: int | None = None
    max_results: int = _MOST_OF_A_RUN


class _Token(msgspec.Struct):
    offset: Annotated[int, msgspec.Meta(ge=0)]


def routes(tracking: Tracking) -> Sequence[Route]:
    """Return the calls."""

    def history(asked: _History) -> object:
        if asked.max_results is not None and asked.max_results < 1:
            raise InvalidInputError(f"max_results is {asked.max_results}: a page has 1 point or more")
        start = _offset(asked.page_token)
        found = _points(tracking, asked.run, asked.metric_key)[start:]
        if asked.max_results is None or len(found) <= asked.max_results:
            return present(metrics=[point_shape(one) for one in found])
        page = [point_shape(one) for one in found[: asked.max_results]]
        return {"metrics": page, "next_page_token": _token(start + asked.max_results)}

    def bulk(asked: _Bulk) -> object:
        if not 0 < len(asked.run_id) <= _MOST_RUNS:
            raise InvalidInputError(f"histories of 1 to {_MOST_RUNS} runs can be asked for, not of {len(asked.run_id)}")
        if asked.metric_key is None:
            raise missing("metric_key")
        return {"metrics": list(_of_runs(tracking, asked, asked.metric_key))}

    def interval(asked: _Interval) -> object:
        _check(asked)
        return present(
            metrics=[
                {**point_shape(one), "run_id": run_id}
                for run_id in asked.run_ids
                for one in thinned(_within(_points(tracking, run_id, asked.metric_key), asked), asked.max_results)
            ]
        )

    area = "2.0/mlflow/metrics"
    return [
        Route("GET", f"{area}/get-history", acting(_History, history)),
        Route("GET", f"{area}/get-history-bulk", acting(_Bulk, bulk)),
        Route("GET", f"{area}/get-history-bulk-interval", acting(_Interval, interval)),
    ]


def _points(tracking: Tracking, run_id: str, key: str) -> list[Metric]:
    """Return a metric's points; a run that there is not has none, as MLflow has it."""
    try:
        return tracking.metric_history(run_id, key)
    except (InvalidInputError, NotFoundError):
        return []


def _of_runs(tracking: Tracking, asked: _Bulk, key: str) -> Iterator[dict[str, object]]:
    left = min(asked.max_results, _MOST_POINTS)
    for run_id in sorted(set(asked.run_id)):
        found = _points(tracking, run_id, key)[: max(left, 0)]
        left -= len(found)
        yield from ({**point_shape(one), "run_id": run_id} for one in found)


def _within(points: Sequence[Metric], asked: _Interval) -> Sequence[Metric]:
    if asked.start_step is None or asked.end_step is None:
        return points
    return [one for one in points if asked.start_step <= one.step <= asked.end_step]


def _check(asked: _Interval) -> None:
    if not asked.run_ids:
        raise missing("run_ids")
    if len(asked.run_ids) > _MOST_RUNS:
        raise InvalidInputError(f"histories of 1 to {_MOST_RUNS} runs can be asked for, not of {len(asked.run_ids)}")
    if not 0 < asked.max_results <= _MOST_OF_A_RUN:
        raise InvalidInputError(f"max_results must be between 1 and {_MOST_OF_A_RUN}, not {asked.max_results}")
    if (asked.start_step is None) != (asked.end_step is None):
        raise InvalidInputError("of start_step and end_step either both are told or none")
    if asked.start_step is not None and asked.end_step is not None and asked.start_step > asked.end_step:
        raise InvalidInputError(f"end_step {asked.end_step} is before start_step {asked.start_step}")


def _offset(token: str) -> int:
    """Return where a page starts."""
    if not token:
        return 0
    try:
        return msgspec.json.decode(base64.b64decode(token, validate=True), type=_Token).offset
    except (ValueError, msgspec.MsgspecError) as error:
        raise MlflowError("INVALID_PARAMETER_VALUE", f"page token {token[:80]!r} is none of a history") from error


def _token(offset: int) -> str:
    return base64.b64encode(msgspec.json.encode(_Token(offset))).decode()
