"""Requests of MLflow's clients: a JSON body, or a query string, into a struct; and what an area answers."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Generic, Literal, TypeVar
from urllib.parse import parse_qsl

import msgspec

from functions.callers import Caller
from functions.tracking.errors import MlflowError
from functions.web import Action, Answer, Call, json_answer

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]

T = TypeVar("T")

PREFIXES: Final = ("/api/", "/ajax-api/")
"""Clients use the first, the UI the second."""

BARE: Final = ("/",)
"""Of calls that the UI makes beside the others."""

_ENCODING: Final = "utf-8"

_ABSENT: Final = re.compile(r"Object missing required field `(?P<field>\w+)`(?: - at `\$\.?(?P<within>[^`]*)`)?")
_EMPTY: Final = re.compile(r"Expected `str` of length >= 1 - at `\$\.(?P<place>[^`]*)`")
_NULL: Final = "got `null`"
"""How msgspec says what is missing, what is empty and what is null."""


@dataclass(frozen=True, slots=True)
class Route:
    """One call of the protocol.

    Attributes:
        method: of HTTP.
        path: behind the prefixes, such as `2.0/mlflow/runs/create`; `{name}` is a parameter.
        act: answers it.
        streams: bodies may have any size: see `functions.streams`.
        prefixes: what stands before the path.
    """

    method: Method
    path: str
    act: Action
    streams: bool = False
    prefixes: tuple[str, ...] = PREFIXES


class Acting(Generic[T]):
    """An action in two steps, so that who may do it can be asked between them: the request's reading, and the doing.

    What a request has besides is ignored, as protobuf does, so that newer clients work.
    """

    def __init__(self, kind: type[T], do: Callable[[T, Caller], object]) -> None:
        self.kind = kind
        self._decoder = msgspec.json.Decoder(kind, strict=False)
        self._many = _lists(kind)
        self.do = do

    def __call__(self, call: Call) -> Answer:
        """Answer a call, as JSON."""
        return json_answer(self.do(self.read(call), call.caller))

    def read(self, call: Call) -> T:
        """Return what a call asks for, or raise `MlflowError`."""
        return _read(self.kind, self._decoder, self._many, call)


def acting(kind: type[T], act: Callable[[T], object]) -> Acting[T]:
    """Return the action that reads a request of this kind, does it, and answers what is returned, as JSON."""
    return Acting(kind, lambda asked, _: act(asked))


def acting_as(kind: type[T], act: Callable[[T, Caller], object]) -> Acting[T]:
    """Return the same for what is done in somebody's name: `act` is told who calls."""
    return Acting(kind, act)


def _read(kind: type[T], decoder: msgspec.json.Decoder[T], many: frozenset[str], call: Call) -> T:
    try:
        if call.body:
            if not call.path:
                return _decoded(kind, decoder, call.body)
            fields = msgspec.json.decode(call.body, type=dict[str, msgspec.Raw])
            told = {**fields, **{name: msgspec.Raw(msgspec.json.encode(value)) for name, value in call.path.items()}}
            return _decoded(kind, decoder, msgspec.json.encode(told))
        return msgspec.convert({**_asked(call.query, many), **call.path}, kind, strict=False)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise MlflowError("INVALID_PARAMETER_VALUE", _explained(str(error))) from error


def _decoded(kind: type[T], decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        if _NULL not in str(error):
            raise
        return msgspec.convert(_without_nulls(msgspec.json.decode(body)), kind, strict=False)


def asked_of(call: Call) -> Mapping[str, str]:
    """Return what a call's query tells; of a name that comes more than once, the last."""
    return dict(parse_qsl(call.query.decode("ascii", "replace")))


def missing(parameter: str) -> MlflowError:
    """Return the error that a request lacks a parameter."""
    return MlflowError(
        "INVALID_PARAMETER_VALUE",
        f"Missing value for required parameter '{parameter}'. "
        "See the API docs for more information about request parameters.",
    )


def _explained(problem: str) -> str:
    """Return what is wrong with a request; of what is missing, in the words that MLflow's clients know."""
    if found := _ABSENT.fullmatch(problem):
        place = ".".join(part for part in (found["within"], found["field"]) if part)
        return str(missing(place))
    if found := _EMPTY.fullmatch(problem):
        return str(missing(found["place"]))
    return f"the request is not what is wanted here: {problem}"


def _without_nulls(told: object) -> object:
    """Return what a request tells without its nulls, which are for protobuf as if they were not there."""
    if isinstance(told, dict):
        return {name: _without_nulls(value) for name, value in told.items() if value is not None}
    return [_without_nulls(one) for one in told] if isinstance(told, list) else told


def _asked(query: bytes, many: frozenset[str]) -> Mapping[str, object]:
    """Return the parameters of a query string; those that may be several are lists."""
    found: dict[str, object] = {}
    for name, value in parse_qsl(query.decode("ascii", "replace"), keep_blank_values=True, encoding=_ENCODING):
        if name in many:
            values = found.setdefault(name, [])
            assert isinstance(values, list)  # noqa: S101 - it was made here
            values.append(value)
        else:
            found[name] = value
    return found


def _lists(kind: type[object]) -> frozenset[str]:
    """Return the names of the fields that hold several values."""
    fields: Sequence[msgspec.structs.FieldInfo] = msgspec.structs.fields(kind)  # type: ignore[arg-type]
    return frozenset(one.encode_name for one in fields if _is_list(one.type))


def _is_list(kind: object) -> bool:
    return getattr(kind, "__origin__", kind) in (list, tuple, Sequence)
