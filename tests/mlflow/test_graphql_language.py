"""GraphQL's documents, as they are read."""

import pytest

from functions.tracking.graphql_document import FIELDS, GraphqlError, Operation, Selected, Spread, Variable
from functions.tracking.graphql_language import parse


def test_a_whole_operation_is_read() -> None:
    document = parse("""
        # what a page asks
        query Named($one: Kind!, $many: [Kind!]! = [1, -2.5e1], $free: Kind) @component(name: "A.B") {
          short: field(input: $one, other: {a: [true, null, WORD], b: "q\\"\\u00e4\\n"}) @skip(if: false) { b, c }
        }
    """)
    (operation,) = document.operations
    assert (operation.kind, operation.name) == ("query", "Named")
    assert operation.required == {"one": "Kind!"}
    assert operation.defaults == {"many": [1, -25.0]}
    (field,) = operation.fields
    assert isinstance(field, Selected)
    assert (field.name, field.answered) == ("field", "short")
    assert field.arguments == {"input": Variable("one"), "other": {"a": [True, None, "WORD"], "b": 'q"ä\n'}}
    assert field.fields == [Selected("b", "b", {}, ()), Selected("c", "c", {}, ())]


def test_fragments_stand_for_their_fields() -> None:
    document = parse("{ a ... on T { b ...F } } fragment F on T { c { d } }")
    (operation,) = document.operations
    assert operation == Operation("query", "", operation.fields, {}, {})
    assert [one.name for one in document.flat(operation.fields)] == ["a", "b", "c"]
    assert isinstance(operation.fields[1], Spread)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "Must provide an operation."),
        ("fragment F on T { a }", "Must provide an operation."),
        ("query {", "Unexpected <EOF>"),
        ("query { a(b: }", "Unexpected '}'"),
        ("query { a(b: ", "Unexpected <EOF>"),
        ("query { }", "Unexpected '}'"),
        ("subscription { a }", "Unexpected 'subscription'"),
        ("query Q($a Kind) { a }", "Unexpected 'Kind', expected ':'"),
        ('query { a(b: "x) }', "Unexpected character '\"'"),
        ("query { a ? }", "Unexpected character '?'"),
        ("{" + "a {" * 11 + "b" + "}" * 12, "maximum depth of 10"),
    ],
)
def test_what_is_no_document_is_refused(text: str, told: str) -> None:
    with pytest.raises(GraphqlError, match=told.replace("?", r"\?")):
        parse(text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{ ...Nothing }", "Unknown fragment 'Nothing'."),
        ("{ ...F } fragment F on T { a ...F }", "within itself"),
        ("{ ...F } fragment F on T { ...G } fragment G on T { ...F }", "within itself"),
        ("{" + "a " * (FIELDS + 1) + "}", "maximum total selections"),
        (
            "{ ...F0 } fragment F30 on T { a } "
            + " ".join(f"fragment F{number} on T {{ ...F{number + 1} ...F{number + 1} }}" for number in range(30)),
            "maximum total selections",
        ),
    ],
)
def test_fragments_without_an_end_are_refused(text: str, told: str) -> None:
    document = parse(text)
    with pytest.raises(GraphqlError, match=told):
        document.flat(document.operation(None).fields)


def test_one_of_several_operations_is_chosen_by_its_name() -> None:
    document = parse("query A { a } query B { b }")
    assert document.operation("B").name == "B"
    with pytest.raises(GraphqlError, match="Unknown operation named 'C'"):
        document.operation("C")
    with pytest.raises(GraphqlError, match="Must provide operation name"):
        document.operation(None)
