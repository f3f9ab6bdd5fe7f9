"""Who may do what, as a project says it."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loopwright.definitions import Access, Grant, Project
from loopwright.definitions.access import ROLES, is_like, suffices
from loopwright.definitions.project import features_digest
from loopwright.errors import DefinitionError
from tests.loopwright.definitions.test_model import DELAYS

ACCESS = Access(
    default="read",
    experiments=(
        Grant("team-a/*", write=("ann@a.example", "*@b.example"), manage=("head@a.example",), others="none"),
        Grant("scratch", others="manage"),
        Grant("team-a/never-reached", others="manage"),
        Grant("*", read=("ann@a.example",), write=("writer",)),
    ),
    models=(Grant("delays", write=("ann@a.example",)),),
    admins=("root@*",),
    approvers=("head@a.example",),
    protected=("challenger",),
)


@pytest.mark.parametrize(
    ("experiment", "who", "role"),
    [
        ("team-a/one", "ann@a.example", "write"),
        ("team-a/one", "x@b.example", "write"),
        ("team-a/one", "x@bXexample", "none"),
        ("team-a/one", "head@a.example", "manage"),
        ("team-a/one", "Ann@a.example", "none"),
        ("team-a/one", "", "none"),
        ("team-a/one", "root@x", "manage"),
        ("team-a/never-reached", "anybody", "none"),
        ("scratch", "", "manage"),
        ("other", "ann@a.example", "read"),
        ("other", "anybody", "read"),
        ("other", "writer", "write"),
        ("other\nline", "writer", "write"),
    ],
)
def test_the_first_grant_that_is_for_a_name_says_who_has_which_role(experiment: str, who: str, role: str) -> None:
    assert ACCESS.experiment(experiment).role(who) == role


def test_models_have_grants_of_their_own() -> None:
    assert ACCESS.model("delays").role("ann@a.example") == "write"
    assert ACCESS.model("team-a/one").role("x@b.example") == "read"


def test_whom_to_ask() -> None:
    assert ACCESS.experiment("team-a/one").managers == ("head@a.example", "root@*")
    assert ACCESS.model("delays").managers == ("root@*",)


def test_protected_aliases_are_for_approvers_and_admins_and_champion_always_is_one() -> None:
    assert [ACCESS.is_protected(alias) for alias in ("champion", "challenger", "best")] == [True, True, False]
    assert [ACCESS.is_approver(who) for who in ("head@a.example", "root@x", "ann@a.example", "")] == [
        True,
        True,
        False,
        False,
    ]
    assert Access().is_protected("champion")


def test_where_nothing_is_granted_nobody_may_do_anything() -> None:
    assert Access().experiment("any").role("ann") == Access().model("any").role("") == "none"


def test_a_role_includes_those_before_it() -> None:
    assert [[suffices(had, wanted) for wanted in ROLES] for had in ROLES] == [
        [True, False, False, False],
        [True, True, False, False],
        [True, True, True, False],
        [True, True, True, True],
    ]


@given(st.text("a*.[]?\n", max_size=6), st.text("ab.[]?\n", max_size=8))
def test_only_the_asterisk_stands_for_something_else(pattern: str, name: str) -> None:
    def matches(left: str, right: str) -> bool:
        if not left:
            return not right
        if left[0] == "*":
            return any(matches(left[1:], right[start:]) for start in range(len(right) + 1))
        return right[:1] == left[0] and matches(left[1:], right[1:])

    assert is_like(name, pattern) == matches(pattern, name)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: Access(default="owner"), "'owner' is no role: use one of none, read, write, manage"),
        (lambda: Access(admins="ann"), "admins: 'ann' is no list of names"),
        (lambda: Access(approvers=("",)), "approvers"),
        (lambda: Access(protected="champion"), "protected aliases"),
        (lambda: Grant(""), "write `\\*` for everything"),
        (lambda: Grant("a", write="ann"), "access to 'a': 'ann' is no list of names"),
        (lambda: Grant("a", others="all"), "access to 'a': 'all' is no role"),
    ],
)
def test_what_says_nothing_or_something_else_than_meant_is_refused(make: object, told: str) -> None:
    with pytest.raises(DefinitionError, match=told):
        make()


def test_who_may_see_a_model_is_no_part_of_what_it_is() -> None:
    project = Project("airport", (DELAYS,))
    shared = replace(project, access=ACCESS)
    assert features_digest(shared.model(DELAYS.name)) == features_digest(project.model(DELAYS.name))
