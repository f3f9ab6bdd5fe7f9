import hypothesis.strategies as st
import pytest
from hypothesis import assume, given, settings

from loopwright.errors import InvalidInputError
from loopwright.tracking.search import (
    EXPERIMENTS,
    MODEL_VERSIONS,
    REGISTERED_MODELS,
    RUNS,
    Schema,
    parse_filter,
    parse_order,
)
from tests.loopwright.tracking.search import mlflows

SCHEMAS = {"runs": RUNS, "experiments": EXPERIMENTS, "models": REGISTERED_MODELS, "versions": MODEL_VERSIONS}

PREFIXES = [
    *("metric", "metrics", "params", "param", "parameters", "tag", "tags", "attribute", "attributes", "attr", "run"),
    *("dataset", "datasets", "`tags`", '"tags"', "Metrics", "model"),
]
KEYS = [
    *("auc", "a_b", "a.b.c", "p50", "1a", "5", "50_5", "x.5", "1e5", "0x1F", "-a", "a-b", "a/b", "*", "", "é", "ж"),
    *("`a b`", "`a.b`", '"a b"', '"a.b"', "'a b'", "in", "from", "desc", "end", "key", "and", "null", "like", "values"),
    *("mlflow.runName", "`mlflow.runName`", "name", "digest", "context", "run_id", "status", "start_time", "created"),
    *("Created", "`run name`", '"Run Name"', "creation_time", "experiment_id", "version_number", "source_path"),
]
ATTRIBUTES = [
    *("run_id", "run_name", "user_id", "status", "start_time", "end_time", "artifact_uri", "created", "Created"),
    *("`run_id`", '"run_name"', "'run_id'", "`Run name`", "name", "`name`", "experiment_id", "creation_time"),
    *("last_update_time", "version_number", "source_path", "timestamp", "last_updated_timestamp", "foo", "null", "1"),
]
COMPARATORS = [
    *("=", "!=", "<", "<=", ">", ">=", "==", "<>", "LIKE", "like", "Ilike", "ILIKE", "RLIKE", "NOT LIKE", "IN", "in"),
    *("NOT IN", "not in", "Not  In", "IS NULL", "is null", "IS NOT NULL", "IS  NULL", "IS NOT  NULL", "IS NOT", "IS"),
]
VALUES = [
    *("1", "-1", "- 1", "0.5", ".5", "-.5", "1.", "1e5", "1E-5", "1e+5", "1_000", "0x1F", "inf", "NULL", "true", "?"),
    *("'x'", '"x"', "'it''s'", "'a\\'b'", "'%a_'", '"it\'s"', "`x`", "x", "x.y", '"x".y', '"x"."y"', "''", "'1'"),
    *("('a')", "('a','b')", '("a",)', "()", "( 'a' , 'b' , )", "('a',1)", "(a)", "('a'", "('(')", "(('a'))", "''''"),
]
SPACES = ["", " ", " ", " ", "  ", "\n", "\t "]

identifiers = st.one_of(
    st.tuples(st.sampled_from(PREFIXES), st.sampled_from([".", ".", " ."]), st.sampled_from(KEYS)).map("".join),
    # Which words sqlparse takes for keywords behind a space is not followed.
    st.tuples(st.sampled_from(PREFIXES), st.sampled_from(["auc", "a.b", "`a b`", "'a'", "5"])).map(". ".join),
    st.sampled_from(ATTRIBUTES),
)
values = st.one_of(
    st.sampled_from(VALUES),
    st.text("ab%_ 'é\"`\\.()", max_size=6),
    st.floats().map(str),
    st.integers().map(str),
)
clauses = st.tuples(
    identifiers, st.sampled_from(SPACES), st.sampled_from(COMPARATORS), st.sampled_from(SPACES), values
).map("".join)
likely = st.one_of(
    st.sampled_from(["metrics.auc > 0.5", "params.a = 'x'", "tags.`b c` LIKE '%'", "run_id IN ('a')", "name = 'n'"]),
    st.sampled_from(["tags.a IS NULL", "version_number > 1", "creation_time > 1", "name IN ('a', \"b\")"]),
)
joints = st.sampled_from([" AND ", " and ", " ", "\n", " AND AND ", " OR ", ", ", ";", " AND(", ") ", " DESC ", " -- "])
filters = st.one_of(
    clauses,
    st.lists(st.one_of(likely, joints, clauses), max_size=6).map("".join),
    st.lists(st.tuples(likely, joints).map("".join), max_size=4).map("".join),
)
orders = st.tuples(
    st.sampled_from(["", "", "", " "]),
    identifiers,
    st.sampled_from(["", " DESC", " asc", "\tDesc", " DESC ", " down", " DESC NULLS LAST", " ASC DESC", ","]),
).map("".join)


@pytest.mark.parametrize("kind", SCHEMAS)
@settings(max_examples=300)
@given(text=filters)
def test_a_filter_is_read_or_refused_as_mlflow_does(kind: str, text: str) -> None:
    schema = SCHEMAS[kind]
    theirs = mlflows.clauses(text, schema)
    assume(not any(glued(key, comparator) for _, key, comparator, _ in theirs or []))
    assert ours(text, schema) == theirs


@pytest.mark.parametrize("kind", SCHEMAS)
@settings(max_examples=150)
@given(order_by=st.lists(orders, max_size=3))
def test_an_order_is_read_or_refused_as_mlflow_does(kind: str, order_by: list[str]) -> None:
    schema = SCHEMAS[kind]
    assert our_order(order_by, schema) == mlflows.terms(order_by, schema)


def glued(key: str, comparator: str) -> bool:
    """Say whether sqlparse has taken a whole clause for the name before IS or IN, as without AND it does."""
    return comparator in {"IS NULL", "IS NOT NULL", "IN", "NOT IN"} and bool(set(key) & set("=<>'\""))


def ours(text: str, schema: Schema) -> mlflows.Clauses | None:
    try:
        found = parse_filter(text, schema).clauses
    except InvalidInputError:
        return None
    return [(one.part, one.key, one.comparator, one.value) for one in found]


def our_order(order_by: list[str], schema: Schema) -> mlflows.Terms | None:
    try:
        terms = parse_order(order_by, schema).terms
    except InvalidInputError:
        return None
    return [(one.part, one.key, one.ascending) for one in terms[: len(order_by)]]
