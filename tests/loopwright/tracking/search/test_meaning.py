from collections.abc import Mapping, Sequence

import pytest

from loopwright.errors import InvalidInputError
from loopwright.tracking import DatasetInput
from loopwright.tracking.search import LOGGED_MODELS, RUNS, Facts, Schema, paged, parse_filter, parse_order

NAN, INFINITE = float("nan"), float("inf")


def thing(
    number: int = 0,
    *,
    params: Mapping[str, str] | None = None,
    tags: Mapping[str, str] | None = None,
    metrics: Mapping[str, Sequence[float]] | None = None,
    datasets: Sequence[DatasetInput] = (),
    ended: int | None = None,
) -> Facts:
    attributes: dict[str, str | float | None] = {
        "run_id": f"run{number}",
        "run_name": f"name{number}",
        "user_id": "",
        "status": "RUNNING",
        "artifact_uri": "mlflow-artifacts:/1/run/artifacts",
        "start_time": 1_000 + number,
        "end_time": ended,
    }
    return Facts(attributes=attributes, params=params or {}, tags=tags or {}, metrics=metrics or {}, datasets=datasets)


def accepts(text: str, one: Facts, schema: Schema = RUNS) -> bool:
    return parse_filter(text, schema).accepts(one)


def test_every_clause_must_hold() -> None:
    one = thing(params={"model": "rf"}, metrics={"auc": [0.9]})
    assert accepts("", one)
    assert accepts("metrics.auc > 0.8 and params.model = 'rf'", one)
    assert not accepts("metrics.auc > 0.8 and params.model = 'lr'", one)
    assert not accepts("metrics.auc > 0.9 and params.model = 'rf'", one)


@pytest.mark.parametrize("text", ["metrics.no != 1", "params.no != 'x'", "tags.no != 'x'", "end_time != 1"])
def test_what_is_not_there_passes_no_comparison_not_even_for_being_otherwise(text: str) -> None:
    assert not accepts(text, thing())


def test_only_is_null_finds_what_has_no_such_key() -> None:
    assert accepts("tags.team IS NULL and params.model is null", thing())
    assert not accepts("tags.team IS NULL", thing(tags={"team": ""}))
    assert accepts("tags.team IS NOT NULL", thing(tags={"team": ""}))


def test_nan_is_unequal_to_every_number_and_compares_with_none() -> None:
    one = thing(metrics={"auc": [NAN]})
    assert accepts("metrics.auc != 0", one)
    assert not any(accepts(f"metrics.auc {comparator} 0", one) for comparator in ("=", "<", "<=", ">", ">="))


def test_an_infinite_metric_is_the_greatest_number_as_mlflow_keeps_it() -> None:
    one = thing(metrics={"loss": [INFINITE]})
    assert accepts("metrics.loss > 1e300", one)
    assert accepts("metrics.loss = 1.7976931348623157e308", one)
    assert accepts("metrics.loss < 1e309", one)


def test_like_minds_the_case_and_ilike_only_that_of_other_alphabets() -> None:
    one = thing(tags={"team": "Ops É"})
    assert accepts("tags.team LIKE 'Ops%'", one)
    assert not accepts("tags.team LIKE 'ops%'", one)
    assert accepts("tags.team ILIKE 'oPS _'", one)
    assert not accepts("tags.team ILIKE 'ops é'", one)


@pytest.mark.parametrize(
    ("pattern", "text", "alike"),
    [
        ("a_c", "abc", True),
        ("a_c", "ac", False),
        ("%", "", True),
        ("%b%", "abc", True),
        ("a%a", "a", False),
        ("a%c%e", "abcde", True),
        ("%ab", "abab", True),
        ("%a_", "bab\n", False),
        ("a%", "a\nb", True),
        (".%", "ab", False),
        ("", "", True),
        ("", "a", False),
    ],
)
def test_a_percent_sign_is_any_text_and_an_underscore_one_character(pattern: str, text: str, *, alike: bool) -> None:
    assert accepts(f"tags.team LIKE '{pattern}'", thing(tags={"team": text})) == alike


def test_a_pattern_with_many_percent_signs_takes_no_time_on_a_long_text() -> None:
    assert not accepts(f"tags.team LIKE '{'%a' * 200}%b'", thing(tags={"team": "a" * 8_000}))


def test_one_data_set_of_several_is_enough_for_each_clause() -> None:
    one = thing(datasets=[DatasetInput("a", "1", "s", context="train"), DatasetInput("b", "2", "s", context="eval")])
    assert accepts("datasets.name = 'a' and datasets.context = 'eval'", one)
    assert accepts("dataset.digest IN ('2', '3')", one)
    assert accepts("datasets.name != 'a'", one)
    assert not accepts("datasets.name NOT IN ('a', 'b')", one)


def test_a_logged_models_metric_passes_if_one_of_its_points_does() -> None:
    assert accepts("metrics.auc > 0.8", thing(metrics={"auc": [0.5, 0.9]}), LOGGED_MODELS)


def test_quotes_stand_around_names_that_have_spaces_or_dots() -> None:
    one = thing(params={"a b": "x", "c.d": "y"})
    assert accepts("params.`a b` = 'x' and params.\"c.d\" = \"y\" and params.c.d = 'y'", one)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("metrics.auc > 'x'", "metrics.auc > 'x': wanted a number instead of 'x'"),
        ("params.model = rf", "wanted a text in quotes instead of rf"),
        ("metrics.auc > 1 OR metrics.auc < 0", "wanted a comparison behind OR; OR and nested clauses are not MLflow's"),
        ("foo = 'x'", "there is no attribute 'foo' here: use Created, "),
        ("runs.name = 'x'", "nothing here has 'runs': use attr, "),
        ("datasets.size = 'x'", "a data set has no 'size' to ask for: use name, digest, context"),
        ("status IN ('a')", "only run_id can be compared with a list"),
        ("run_id IN ()", "wanted a list of one text or more instead of ()"),
        ("run_id IN ('a'", "wanted a list such as"),
        ("status NOT LIKE 'a'", "NOT LIKE is not among !=, =, ILIKE, LIKE"),
        ("status < 'a'", "< is not among !=, =, ILIKE, LIKE"),
        ("start_time IS NULL", "IS NULL is not among"),
        ("run_name IS NULL", "IS NULL is asked of param and tag"),
        ("params.a = 'x", 'unexpected "\'x"'),
        ("tags.a IS 'x'", "wanted NULL or NOT NULL behind IS"),
        ("   ", "nothing but space"),
        ("params.a = 'x';", "unexpected ';'"),
    ],
)
def test_a_refusal_says_what_is_wrong_and_what_to_use(text: str, said: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        parse_filter(text, RUNS)
    assert said in str(caught.value)


def test_things_are_sorted_by_the_first_term_then_by_the_next_then_newest_first() -> None:
    things = [thing(number, params={"m": "xyx"[number % 3]}, metrics={"auc": [number % 2]}) for number in range(6)]
    order = parse_order(["metrics.auc DESC", "params.m ASC"], RUNS)
    found = [one.attributes["run_id"] for one in paged(things, order, size=10).found]
    assert found == ["run5", "run3", "run1", "run2", "run0", "run4"]


def test_what_is_nan_comes_behind_numbers_and_what_is_missing_last_either_way_round() -> None:
    values: list[list[float]] = [[], [NAN], [2.0], [-INFINITE], [INFINITE]]
    things = [thing(number, metrics={"auc": one} if one else {}) for number, one in enumerate(values)]
    rising = paged(things, parse_order(["metrics.auc"], RUNS), size=10).found
    falling = paged(things, parse_order(["metrics.auc DESC"], RUNS), size=10).found
    assert [one.attributes["run_id"] for one in rising] == ["run3", "run2", "run4", "run1", "run0"]
    assert [one.attributes["run_id"] for one in falling] == ["run4", "run2", "run3", "run1", "run0"]


@pytest.mark.parametrize("order_by", [[], ["params.m DESC"], ["metrics.auc"], ["end_time DESC", "tags.x ASC"]])
def test_pages_join_without_gap_or_overlap_though_things_come_and_go(order_by: list[str]) -> None:
    order = parse_order(order_by, RUNS)
    things = [
        thing(
            number,
            params={"m": "abc"[number % 3]} if number % 4 else {},
            metrics={"auc": [(1.0, NAN, INFINITE)[number % 3]]} if number % 5 else {},
            ended=number if number % 2 else None,
        )
        for number in range(20)
    ]
    whole = [one.attributes["run_id"] for one in paged(things, order, size=100).found]
    pages, token = [], ""
    while True:
        page = paged(things, order, size=3, token=token)
        pages += [one.attributes["run_id"] for one in page.found]
        # What has been shown goes: nothing behind it moves.
        things = [one for one in things if one.attributes["run_id"] not in pages[-2:-1]]
        token = page.token
        if not token:
            break
    assert pages == whole


@pytest.mark.parametrize("token", ["x", "eyJvZmZzZXQiOiAxfQ==", "kwA=", "lADLP/AAAAAAAACheKF4"])
def test_a_token_of_another_search_is_refused(token: str) -> None:
    things = [thing(number) for number in range(3)]
    with pytest.raises(InvalidInputError, match="is none of this search: use the one that came with its page"):
        paged(things, parse_order((), RUNS), size=1, token=token)


@pytest.mark.parametrize(
    ("order_by", "said"),
    [
        (["metrics.auc down"], "without more around"),
        (["metrics.auc DESC NULLS LAST"], "wanted ASC or DESC instead of DESC NULLS LAST"),
        (["datasets.name"], "cannot order by 'datasets.name': use"),
        (["start_time", "created DESC"], "one of them is there twice"),
        (["foo"], "there is no attribute 'foo' here"),
        (["params.a b DESC"], "without more around"),
        ([""], "ends too early"),
    ],
)
def test_an_order_that_mlflow_would_not_take_is_refused(order_by: list[str], said: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        parse_order(order_by, RUNS)
    assert said in str(caught.value)
