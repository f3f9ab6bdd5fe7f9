"""MLflow's search for logged models: its request, and where its pages go on."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from functions.tracking.errors import MlflowError
from loopwright.errors import InvalidInputError
from loopwright.tracking import LoggedModel, LoggedModels
from loopwright.tracking.model_filter import accepting
from loopwright.tracking.model_search import (
    DEFAULT_RESULTS,
    DatasetFilter,
    ModelCursor,
    ModelOrder,
    ModelQuestion,
    search,
)


class _Dataset(msgspec.Struct):
    dataset_name: str = ""
    dataset_digest: str = ""


class _Order(msgspec.Struct):
    field_name: str = ""
    ascending: bool = True
    dataset_name: str = ""
    dataset_digest: str = ""


class SearchModels(msgspec.Struct):
    """The request."""

    experiment_ids: list[str]
    filter: str = ""
    datasets: list[_Dataset] = []
    max_results: int = 0
    order_by: list[_Order] = []
    page_token: str = ""


class _Token(msgspec.Struct, array_like=True):
    """Where a page goes on, and of which search."""

    experiment_ids: list[str]
    filter: str
    order_by: list[_Order]
    skip: int
    created: float
    id: str


@dataclass(frozen=True, slots=True)
class Searched:
    """A page; `token` is where the next one goes on, empty at the end."""

    models: Sequence[LoggedModel]
    token: str


def searched(models: LoggedModels, asked: SearchModels) -> Searched:
    """Return a page of the models that are asked for.

    Raises:
        InvalidInputError: a filter, an order, a data set or a number is none.
        MlflowError: the token is of another search.
    """
    if not all(each.dataset_name for each in asked.datasets):
        raise InvalidInputError("`dataset_name` in the `datasets` clause must be specified.")
    limit = asked.max_results or DEFAULT_RESULTS
    if limit < 0:
        raise InvalidInputError(f"max_results is {limit}: a page has 1 model or more")
    token = _read(asked)
    datasets = [DatasetFilter(each.dataset_name, each.dataset_digest) for each in asked.datasets]
    question = ModelQuestion(
        experiments=asked.experiment_ids,
        accepts=accepting(asked.filter, datasets),
        datasets=datasets,
        order=[_order(each) for each in asked.order_by],
    )
    after = ModelCursor(token.created, token.id) if token.id else None
    page = search(models, question, limit=limit, after=after, skip=token.skip)
    return Searched(page.models, _told(asked, token.skip + limit, page.models[-1]) if page.more else "")


def _order(asked: _Order) -> ModelOrder:
    dataset = DatasetFilter(asked.dataset_name, asked.dataset_digest) if asked.dataset_name else None
    return ModelOrder(asked.field_name, asked.ascending, dataset)


def _told(asked: SearchModels, skip: int, last: LoggedModel) -> str:
    token = _Token(asked.experiment_ids, asked.filter, asked.order_by, skip, last.created, last.id)
    return base64.urlsafe_b64encode(msgspec.json.encode(token)).decode()


def _read(asked: SearchModels) -> _Token:
    if not asked.page_token:
        return _Token(asked.experiment_ids, asked.filter, asked.order_by, 0, 0.0, "")
    try:
        token = msgspec.json.decode(base64.urlsafe_b64decode(asked.page_token), type=_Token)
    except (ValueError, msgspec.MsgspecError) as error:
        raise MlflowError("INVALID_PARAMETER_VALUE", f"Invalid page token: {asked.page_token[:100]}") from error
    if (token.experiment_ids, token.filter, token.order_by) != (asked.experiment_ids, asked.filter, asked.order_by):
        raise MlflowError(
            "INVALID_PARAMETER_VALUE",
            "the page token is of another search: experiments, filter and order must be those of the page before",
        )
    return token
