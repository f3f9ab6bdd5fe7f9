"""Any history of the registry's calls, played on a stock server and on ours: the same answers, but for moments.

What differs on purpose is not played: the stages Staging (without putting others away) and Production, and the alias
`champion`; docs/mlflow.md says how they differ.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import count

import httpx
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typing_extensions import override

from adapters.memory.provider import MemoryPlatform
from loopwright.clock import Clock
from loopwright.settings import Settings
from tests.mlflow.ours import served

AREA = "/api/2.0/mlflow"
_NAMES = iter(count())


class _Ticking(MemoryPlatform):
    """A platform on which no two things happen in one millisecond, as on the slower server."""

    @cached_property
    @override
    def clock(self) -> Clock:
        moments = count(1)
        return lambda: 1.7e9 + next(moments) / 500


@pytest.fixture(scope="module")
def both(stock: str) -> Iterator[tuple[httpx.Client, httpx.Client]]:
    """Clients of a stock server and of ours."""
    with (
        served(_Ticking(Settings(provider="memory"))) as ours,
        httpx.Client(base_url=stock + AREA, timeout=60) as one,
        httpx.Client(base_url=ours + AREA, timeout=60) as other,
    ):
        yield one, other


class Call(msgspec.Struct, frozen=True):
    """A call; where names of models stand in it, each history has names of its own."""

    method: str
    path: str
    asked: Mapping[str, object]


KEYS = st.sampled_from(["team", "a b", "nested/key", "bad$key", ""])
TEXTS = st.sampled_from(["", "x", "Zürich", "'quoted'"])
NAMES = st.sampled_from(["a", "b", "c"])
ODD_NAMES = st.sampled_from(["", " ", "x/y", "x:y", "."])
ALIASES = st.sampled_from(["blue", "Blue", "gr-ün_2", "latest", "v3", "V12", "no alias", ""])
NUMBERS = st.sampled_from(["1", "1", "2", "3", "9", "-1", "x", ""])
SOURCES = st.sampled_from(
    [
        "s3://models/1",
        "gs://models/ü",
        "runs:/r1/model",
        "runs:/r2/model",
        "/models/1",
        "file:///models/1",
        "dbfs:/models/1",
        "s3://models/../secrets",
        "s3://models/%2e%2e/secrets",
        "http://example.org/model",
        "mlflow-artifacts:/0/r1/artifacts/model",
        "mlflow-artifacts://example.org/0/r1/artifacts/model",
        "models:/m-1",
        "",
    ]
)
COPIES = st.sampled_from(
    ["models:/§a/1", "models:/§a/latest", "models:/§b@blue", "models:/§a/archived", "models:/§c/9", "models:/§a/x/y"]
)
"""Versions of which further versions are made; the mark stands where a history's own names begin."""

TAGS = st.lists(st.fixed_dictionaries({"key": KEYS, "value": TEXTS}), max_size=2)
FILTERS = st.sampled_from(
    ["", "tags.team = 'x'", "tags.team != 'x'", "tag.`a b` LIKE '%'", "tags.`nested/key` ILIKE 'z%'"]
)


def _call(method: str, path: str, **fields: st.SearchStrategy[object]) -> st.SearchStrategy[Call]:
    return st.fixed_dictionaries({}, optional=fields).map(lambda asked: Call(method, path, asked))


def _whole(method: str, path: str, **fields: st.SearchStrategy[object]) -> st.SearchStrategy[Call]:
    return st.fixed_dictionaries(fields).map(lambda asked: Call(method, path, asked))


MODELS, VERSIONS = "registered-models", "model-versions"
CREATIONS = st.one_of(
    _whole("POST", f"{MODELS}/create", name=NAMES),
    _whole("POST", f"{VERSIONS}/create", name=NAMES, source=st.just("s3://models/1"), tags=TAGS),
)
CALLS = st.one_of(
    CREATIONS,
    _whole("POST", f"{MODELS}/create", name=NAMES | ODD_NAMES, description=TEXTS, tags=TAGS),
    _whole("POST", f"{VERSIONS}/create", name=NAMES, source=SOURCES, run_id=st.sampled_from(["", "r1"]), tags=TAGS),
    _whole("POST", f"{VERSIONS}/create", name=NAMES, source=COPIES),
    _whole("GET", f"{MODELS}/get", name=NAMES),
    _whole("PATCH", f"{MODELS}/update", name=NAMES, description=TEXTS),
    _whole("POST", f"{MODELS}/rename", name=NAMES, new_name=NAMES | ODD_NAMES),
    _whole("DELETE", f"{MODELS}/delete", name=NAMES),
    _whole("POST", f"{MODELS}/set-tag", name=NAMES, key=KEYS, value=TEXTS),
    _whole("DELETE", f"{MODELS}/delete-tag", name=NAMES, key=KEYS),
    _whole("POST", f"{MODELS}/get-latest-versions", name=NAMES, stages=st.just([]) | st.just(["none", "Archived"])),
    _whole("POST", f"{MODELS}/alias", name=NAMES, alias=ALIASES, version=NUMBERS),
    _whole("POST", f"{MODELS}/alias", name=NAMES, alias=st.just("blue"), version=st.sampled_from(["1", "2"])),
    _whole("GET", f"{MODELS}/alias", name=NAMES, alias=ALIASES),
    _whole("DELETE", f"{MODELS}/alias", name=NAMES, alias=ALIASES),
    _whole("GET", f"{VERSIONS}/get", name=NAMES, version=NUMBERS),
    _whole("GET", f"{VERSIONS}/get-download-uri", name=NAMES, version=NUMBERS),
    _whole("PATCH", f"{VERSIONS}/update", name=NAMES, version=NUMBERS, description=TEXTS),
    _whole("DELETE", f"{VERSIONS}/delete", name=NAMES, version=NUMBERS),
    _whole("POST", f"{VERSIONS}/set-tag", name=NAMES, version=NUMBERS, key=KEYS, value=TEXTS),
    _whole("DELETE", f"{VERSIONS}/delete-tag", name=NAMES, version=NUMBERS, key=KEYS),
    _whole(
        "POST",
        f"{VERSIONS}/transition-stage",
        name=NAMES,
        version=NUMBERS,
        stage=st.sampled_from(["None", "archived", "Testing"]),
    ),
    _whole(
        "POST",
        f"{VERSIONS}/transition-stage",
        name=NAMES,
        version=NUMBERS,
        stage=st.just("Staging"),
        archive_existing_versions=st.just(True),
    ),
    _whole(
        "GET",
        f"{MODELS}/search",
        filter=FILTERS,
        order_by=st.sampled_from(
            [[], ["name DESC"], ["timestamp ASC"], ["last_updated_timestamp DESC", "name"], ["odd"]]
        ),
        max_results=st.sampled_from([1, 2, 100, 1001]),
    ),
    _whole(
        "GET",
        f"{VERSIONS}/search",
        filter=FILTERS
        | st.sampled_from(["version_number > 1", "run_id = 'r1'", "run_id IN ('r1', '')", "source_path LIKE 's3%'"]),
        order_by=st.sampled_from(
            [[], ["version_number ASC"], ["creation_timestamp DESC"], ["name DESC", "version_number"]]
        ),
        max_results=st.sampled_from([1, 3, 100, 200_001]),
    ),
    _call("GET", f"{VERSIONS}/get", name=NAMES, version=NUMBERS),
    _call("POST", f"{VERSIONS}/transition-stage", name=NAMES, version=st.just("1"), stage=st.just("None")),
    _call("POST", f"{MODELS}/alias", name=NAMES, alias=st.just("blue"), version=st.just("1")),
)


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(begun=st.lists(CREATIONS, max_size=4), calls=st.lists(CALLS, min_size=8, max_size=20))
def test_a_history_has_the_same_answers(
    both: tuple[httpx.Client, httpx.Client], begun: Sequence[Call], calls: Sequence[Call]
) -> None:
    mark = f"h{next(_NAMES)}-"
    whole = [Call("POST", f"{MODELS}/create", {"name": "a"}), *begun, *calls]
    for call in whole:
        stock, ours = ([*_answers(client, call, mark)] for client in both)
        if stock[0][0] == 500:
            # Whoever asks for what cannot be is told so; a 500 would be tried again for minutes.
            assert 400 <= ours[0][0] < 500, call
        else:
            assert ours == stock, call


def _answers(client: httpx.Client, call: Call, mark: str) -> Iterator[tuple[int, object]]:
    """Yield what a call is answered, and the pages after it."""
    asked = {key: _own(key, value, mark) for key, value in call.asked.items()}
    if call.path.endswith("/search"):
        only = f"name LIKE '{mark}%'"
        asked["filter"] = f"{asked['filter']} AND {only}" if asked["filter"] else only
    while True:
        if call.method == "GET":
            answer = client.get(call.path, params=asked)  # type: ignore[arg-type]
        else:
            answer = client.request(call.method, call.path, json=asked)
        told = answer.json()
        yield answer.status_code, told["error_code"] if "error_code" in told else _plain(told)
        token = told.get("next_page_token")
        if not token or call.method != "GET":
            return
        asked["page_token"] = token


def _own(key: str, value: object, mark: str) -> object:
    if key == "source":
        return str(value).replace("§", mark)
    return f"{mark}{value}" if key in {"name", "new_name"} and value in {"a", "b", "c"} else value


def _plain(told: object) -> object:
    """Return an answer without moments and tokens, and in one order where MLflow promises none."""
    if isinstance(told, dict):
        plain = {key: _plain(value) for key, value in told.items()}
        for key in ("creation_timestamp", "last_updated_timestamp", "next_page_token"):
            if key in plain:
                plain[key] = "…"
        if "version" in plain and "aliases" in plain:
            # Ours shows by an alias who is in Staging.
            plain["aliases"] = [alias for alias in plain["aliases"] if alias != "challenger"]
        elif "aliases" in plain:
            plain["aliases"] = [one for one in plain["aliases"] if one["alias"] != "challenger"]
        for key in ("aliases", "tags", "latest_versions"):
            if key in plain:
                plain[key] = sorted(plain[key], key=msgspec.json.encode)
        return {key: value for key, value in plain.items() if value != []}
    return [_plain(one) for one in told] if isinstance(told, list) else told
