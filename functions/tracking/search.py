"""MLflow's searches through runs and experiments."""

import threading
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from functions.tracking.requests import Route, acting
from functions.tracking.shapes import experiment_shape, run_shape
from loopwright.errors import InvalidInputError
from loopwright.tracking import FoundRun, Tracking, View

_ACTIVE: Final[View] = "active"
_DELETED: Final[View] = "deleted"
_ALL: Final[View] = "all"
_VIEWS: Final[Mapping[str | int, View]] = {
    **dict.fromkeys(("ACTIVE_ONLY", 1, "1"), _ACTIVE),
    **dict.fromkeys(("DELETED_ONLY", 2, "2"), _DELETED),
    **dict.fromkeys(("ALL", 3, "3"), _ALL),
}
"""The views by their names and by the numbers that protobuf has for them."""

_WRITTEN: Final = 8_000_000
"""Bytes of JSON that are remembered: some 4,000 usual runs."""


class _Runs(msgspec.Struct):
    experiment_ids: list[str] = []
    filter: str = ""
    run_view_type: str | int = "ACTIVE_ONLY"
    max_results: int = 1_000
    order_by: list[str] = []
    page_token: str = ""


class _Experiments(msgspec.Struct):
    filter: str = ""
    view_type: str | int = "ACTIVE_ONLY"
    max_results: int = 0
    order_by: list[str] = []
    page_token: str = ""


def routes(tracking: Tracking) -> Sequence[Route]:
    """Return the calls."""
    written = _Written(tracking)

    def runs(asked: _Runs) -> object:
        page = tracking.search_runs(
            asked.experiment_ids,
            filter_by=asked.filter,
            view=_view(asked.run_view_type),
            size=asked.max_results,
            order_by=asked.order_by,
            token=asked.page_token,
        )
        return _page("runs", written.out(page.found), page.token)

    def experiments(asked: _Experiments) -> object:
        page = tracking.search_experiments(
            filter_by=asked.filter,
            view=_view(asked.view_type),
            size=asked.max_results,
            order_by=asked.order_by,
            token=asked.page_token,
        )
        return _page("experiments", [experiment_shape(one) for one in page.experiments], page.token)

    area = "2.0/mlflow"
    return [
        Route("POST", f"{area}/runs/search", acting(_Runs, runs)),
        Route("POST", f"{area}/experiments/search", acting(_Experiments, experiments)),
        Route("GET", f"{area}/experiments/search", acting(_Experiments, experiments)),
    ]


class _Written:
    """Runs as JSON: those that were written last are remembered, as most of a page has not changed since."""

    def __init__(self, tracking: Tracking) -> None:
        self._tracking = tracking
        self._known: dict[str, tuple[int, float | None, msgspec.Raw]] = {}
        self._size = 0
        self._lock = threading.Lock()

    def out(self, runs: Sequence[FoundRun]) -> list[msgspec.Raw]:
        """Return each run as JSON."""
        known = [self._known.get(run.head.id) for run in runs]
        found = [
            one[2] if one is not None and one[:2] == (run.version, run.deleted) else None
            for run, one in zip(runs, known, strict=True)
        ]
        missing = [run for run, one in zip(runs, found, strict=True) if one is None]
        if not missing:
            return [one for one in found if one is not None]
        fresh = iter(self._encoded(missing))
        return [next(fresh) if one is None else one for one in found]

    def _encoded(self, runs: Sequence[FoundRun]) -> list[msgspec.Raw]:
        whole = self._tracking.detailed([one.run for one in runs])
        texts = [msgspec.json.encode(run_shape(one, listed=True)) for one in whole]
        encoded = [msgspec.Raw(text) for text in texts]
        size = sum(map(len, texts))
        if size <= _WRITTEN:
            with self._lock:
                if self._size + size > _WRITTEN:
                    self._known, self._size = {}, 0
                self._size += size
                for run, text in zip(runs, encoded, strict=True):
                    self._known[run.head.id] = (run.version, run.deleted, text)
        return encoded


def _page(listed: str, found: Sequence[object], token: str) -> Mapping[str, object]:
    """Return a page as protobuf has it: what is empty is left out."""
    things = {listed: found} if found else {}
    return {**things, **({"next_page_token": token} if token else {})}


def _view(told: str | int) -> View:
    if told not in _VIEWS:
        raise InvalidInputError(f"{told} is no view: use ACTIVE_ONLY, DELETED_ONLY or ALL")
    return _VIEWS[told]
