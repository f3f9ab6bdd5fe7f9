"""Whether a caller may do what is asked: asked between a request's reading and its doing, by what `needs.py` says.

Where a project declares no access nothing is asked and nothing is read.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, assert_never
from urllib.parse import parse_qs

import msgspec

from functions.callers import Caller
from functions.tracking.errors import MlflowError
from functions.tracking.needs import NEEDS, Filtered, Moves, Narrowed, Need, Needed, Of, OfVersion
from functions.tracking.requests import Acting, Route
from functions.tracking.rules import Rules
from functions.web import Action, Answer, Call, json_answer
from loopwright.definitions.access import Role, suffices
from loopwright.errors import NotFoundError

_DEFAULT: Final = "0"
"""The experiment that is meant where none is told."""

_VERBS: Final[Mapping[Role, str]] = {"none": "see", "read": "read", "write": "write to", "manage": "manage"}

_STAGES: Final[Mapping[str, str]] = {"production": "champion", "staging": "challenger"}

_PAGES: Final = 20
"""So many pages are looked through for one that is full."""

_KEEPER: Final = "whoever keeps the project's `access`"


class Permits:
    """Lets callers do what a project's access allows them."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._access = rules.access

    def guarded(self, route: Route) -> Action:
        """Return a route's action behind the question whether it is allowed.

        What nobody has said the needs of is for admins only.
        """
        needs = NEEDS.get((route.method, route.path))
        if needs is None:
            return self._closed(route)
        if not needs:
            return route.act
        return self._acting(route.act, needs) if isinstance(route.act, Acting) else self._raw(route.act, needs)

    def check(self, caller: Caller, role: Role, of: Of, value: str) -> None:
        """Return if the caller has at least this role on what the value tells.

        Raises:
            MlflowError: he has not: PERMISSION_DENIED, with who may be asked.
            NotFoundError: there is no such thing.
            InvalidInputError: it is a path that leads elsewhere.
        """
        if self._is_free(caller):
            return
        for rule in self._rules.of(of, value):
            had = rule.role(caller.name)
            if not suffices(had, role):
                raise MlflowError(
                    "PERMISSION_DENIED",
                    f"{caller.told} may not {_VERBS[role]} {of} {value!r}: the role there is {had!r}, and this wants "
                    f"{role!r}. Ask {', '.join(rule.managers) or _KEEPER}",
                )

    def _may_read(self, caller: Caller, of: Of, value: str) -> bool:
        """Return whether the caller may read what the value tells, if it is there at all."""
        try:
            return self._is_free(caller) or all(
                suffices(rule.role(caller.name), "read") for rule in self._rules.of(of, value)
            )
        except NotFoundError:
            return True

    def _is_free(self, caller: Caller) -> bool:
        return caller.known == "machine" or self._access.is_admin(caller.name)

    def _closed(self, route: Route) -> Action:
        def answer(call: Call) -> Answer:
            if self._is_free(call.caller):
                return route.act(call)
            raise MlflowError("PERMISSION_DENIED", f"{call.caller.told} may not call {route.path}: only admins may")

        return answer

    def _raw(self, act: Action, needs: Sequence[Needed]) -> Action:
        def answer(call: Call) -> Answer:
            # Whichever of several values the action takes, it is asked about.
            self._ask(call.caller, needs, {**parse_qs(call.query.decode("ascii", "replace")), **call.path})
            return act(call)

        return answer

    def _acting(self, act: Acting[Any], needs: Sequence[Needed]) -> Action:
        narrowed = [one.field for one in needs if isinstance(one, Narrowed)]
        filtered = [one for one in needs if isinstance(one, Filtered)]

        def answer(call: Call) -> Answer:
            asked = act.read(call)
            self._ask(call.caller, needs, asked)
            for field in narrowed:
                wanted = getattr(asked, field)
                left = [one for one in wanted if self._may_read(call.caller, "experiment", one)]
                if wanted and not left:
                    return json_answer({})
                asked = msgspec.structs.replace(asked, **{field: left})
            return json_answer(
                self._page(call.caller, act, asked, filtered[0]) if filtered else act.do(asked, call.caller)
            )

        return answer

    def _ask(self, caller: Caller, needs: Sequence[Needed], asked: object) -> None:
        for need in needs:
            match need:
                case Need():
                    self._ask_role(caller, need, asked)
                case OfVersion():
                    self.check(caller, "read", "version", "/".join((*told(asked, "name"), *told(asked, "version"))))
                case Moves():
                    for alias in self._moved(need, asked):
                        self._check_alias(caller, alias)
                case Narrowed() | Filtered():
                    continue
                case _:
                    assert_never(need)

    def _ask_role(self, caller: Caller, need: Need, asked: object) -> None:
        for value in told(asked, need.field) or ([_DEFAULT] if need.of == "experiment" else []):
            try:
                self.check(caller, need.role, need.of, value)
            except NotFoundError:
                if not need.lenient:
                    raise

    def _moved(self, need: Moves, asked: object) -> Iterable[str]:
        for value in told(asked, need.field):
            match need.of:
                case "alias":
                    yield value
                case "stage":
                    yield _STAGES.get(value.lower(), "")
                case "version":
                    yield from self._rules.homes.aliases(next(iter(told(asked, "name")), ""), value)
                case "model":
                    yield from self._rules.homes.aliases(value, "")
                case _:
                    assert_never(need.of)

    def _check_alias(self, caller: Caller, alias: str) -> None:
        access = self._access
        if not access.is_protected(alias) or self._is_free(caller) or access.is_approver(caller.name):
            return
        who = ", ".join((*access.approvers, *access.admins)) or _KEEPER
        raise MlflowError(
            "PERMISSION_DENIED", f"{caller.told} may not move the protected alias {alias!r}. Ask an approver: {who}"
        )

    def _page(self, caller: Caller, act: Acting[Any], asked: Any, how: Filtered) -> object:  # noqa: ANN401 - a request
        """Return a page of what the caller may read, filled up from the next ones, of which some are looked through."""
        found: list[object] = []
        token: object = ""
        for _ in range(_PAGES):
            done: Any = act.do(asked, caller)
            seen = self._seen(caller, how, done)
            room = asked.max_results - len(found)
            if len(seen) > room:
                # The next page begins behind the last one that there is room for. What came meanwhile is seen anew.
                done = act.do(msgspec.structs.replace(asked, max_results=seen[room - 1][0] + 1), caller)
                seen = self._seen(caller, how, done)
            found += [one for _, one in seen]
            token = done.get("next_page_token")
            if not token or len(found) >= asked.max_results:
                break
            asked = msgspec.structs.replace(asked, page_token=token)
        return ({how.listed: found} if found else {}) | ({"next_page_token": token} if token else {})

    def _seen(self, caller: Caller, how: Filtered, done: Mapping[str, Any]) -> list[tuple[int, object]]:
        """Return what the caller may read of a page, each with its place there."""
        listed = enumerate(done.get(how.listed, ()))
        return [(place, one) for place, one in listed if self._may_read(caller, how.of, one[how.field])]


def told(asked: object, field: str) -> list[str]:
    """Return what fields of a request tell: `a|b` is both of them, `a.b` is in a list."""
    found: list[str] = []
    for one in field.split("|"):
        first, _, rest = one.partition(".")
        found += _texts(asked.get(first) if isinstance(asked, Mapping) else getattr(asked, first), rest)
    return list(dict.fromkeys(found))


def _texts(value: object, rest: str) -> Iterator[str]:
    if isinstance(value, Sequence) and not isinstance(value, str):
        for one in value:
            yield from _texts(getattr(one, rest) if rest else one, "")
    elif isinstance(value, str) and value:
        yield value
