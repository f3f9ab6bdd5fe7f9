"""MLflow's searches for runs and experiments."""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from functions.tracking.requests import Route, acting
from functions.tracking.shapes import experiment_shape, present, run_shape
from loopwright.errors import InvalidInputError
from loopwright.tracking import Tracking, View

_VIEWS: Final[Mapping[str | int, View]] = {
    **dict.fromkeys(("ACTIVE_ONLY", 1, "1"), "active"),
    **dict.fromkeys(("DELETED_ONLY", 2, "2"), "deleted"),
    **dict.fromkeys(("ALL", 3, "3"), "all"),
}
"""What protobuf calls the views, by name and by number."""


class _Runs(msgspec.Struct):
    experiment_ids: list[str] = []
    filter: str = ""
    run_view_type: str | int = "ACTIVE_ONLY"
    max_results: int = 1_000
    order_by: list[str] = []
    page_token: str = ""


class _Experiments(msgspec.Struct):
    max_results: int = 0
    page_token: str = ""
    filter: str = ""
    order_by: list[str] = []
    view_type: str | int = "ACTIVE_ONLY"


def routes(tracking: Tracking) -> Sequence[Route]:
    """Return the calls."""

    def runs(asked: _Runs) -> object:
        page = tracking.search_runs(
            asked.experiment_ids,
            filter_by=asked.filter,
            view=_view(asked.run_view_type),
            size=asked.max_results,
            order_by=asked.order_by,
            token=asked.page_token,
        )
        return present(runs=[run_shape(one, listed=True) for one in page.runs], next_page_token=page.token)

    def experiments(asked: _Experiments) -> object:
        page = tracking.search_experiments(
            filter_by=asked.filter,
            view=_view(asked.view_type),
            size=asked.max_results,
            order_by=asked.order_by,
            token=asked.page_token,
        )
        found = [experiment_shape(one) for one in page.experiments]
        return present(experiments=found, next_page_token=page.token)

    area = "2.0/mlflow"
    return [
        Route("POST", f"{area}/runs/search", acting(_Runs, runs)),
        Route("POST", f"{area}/experiments/search", acting(_Experiments, experiments)),
        Route("GET", f"{area}/experiments/search", acting(_Experiments, experiments)),
    ]


def _view(told: str | int) -> View:
    if told not in _VIEWS:
        raise InvalidInputError(f"{told} is no view: use ACTIVE_ONLY, DELETED_ONLY or ALL")
    return _VIEWS[told]
