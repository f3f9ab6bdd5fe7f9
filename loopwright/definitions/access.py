"""Who may do what with experiments and registered models. It decides nothing of any model, so no digest knows it.

Structs, because each dataclass costs a cold start a millisecond.
"""

import re
from functools import cache
from typing import Final, Literal, get_args

import msgspec

from loopwright.errors import DefinitionError

Role = Literal["none", "read", "write", "manage"]
"""What somebody may do; each includes those before it."""

ROLES: Final[tuple[Role, ...]] = get_args(Role)

ALWAYS_PROTECTED: Final = frozenset({"champion"})
"""These aliases are protected whatever a project says; and nobody moves them to what has not passed the gate."""


class Grant(msgspec.Struct, frozen=True):
    """Who has which role on the experiments, or the registered models, whose name is like `pattern`.

    In patterns `*` stands for any characters, none included; everything else stands for itself.

    Attributes:
        pattern: of names, such as `delays` or `team-a/*`.
        read: who may read; patterns of callers' names, such as `ann@example.com` or `*@example.com`.
        write: who may write too.
        manage: who may delete and rename too.
        others: the role of everybody else; None: `Access.default`.
    """

    pattern: str
    read: tuple[str, ...] = ()
    write: tuple[str, ...] = ()
    manage: tuple[str, ...] = ()
    others: Role | None = None

    def __post_init__(self) -> None:
        """Check that there is something to grant."""
        if not self.pattern:
            raise DefinitionError("access: a grant without a pattern is for nothing: write `*` for everything")
        for names in (self.read, self.write, self.manage):
            _check_names(names, f"access to {self.pattern!r}")
        _check_role(self.others, f"access to {self.pattern!r}")


class Access(msgspec.Struct, frozen=True):
    """Who may do what. Of several grants whose patterns are like a name the first one decides.

    Attributes:
        default: the role of everybody for whom nothing else is said, also of callers without a name.
        experiments: grants by the names of experiments.
        models: grants by the names of registered models.
        admins: who may do everything that a person may.
        approvers: who may move protected aliases of models that they may write to.
        protected: these aliases, and always `champion`, are moved by the gate or an approver only; `champion` leads to
            nothing that has not passed the gate, whoever moves it.
    """

    default: Role = "none"
    experiments: tuple[Grant, ...] = ()
    models: tuple[Grant, ...] = ()
    admins: tuple[str, ...] = ()
    approvers: tuple[str, ...] = ()
    protected: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check names and roles."""
        _check_role(self.default, "access")
        _check_names(self.admins, "admins")
        _check_names(self.approvers, "approvers")
        _check_names(self.protected, "protected aliases")

    def experiment(self, name: str) -> "Rule":
        """Return what holds for an experiment of that name."""
        return self._rule(self.experiments, name)

    def model(self, name: str) -> "Rule":
        """Return what holds for a registered model of that name."""
        return self._rule(self.models, name)

    def is_admin(self, who: str) -> bool:
        """Return whether a caller may do everything."""
        return _is_among(who, self.admins)

    def is_approver(self, who: str) -> bool:
        """Return whether a caller may move protected aliases."""
        return _is_among(who, self.approvers) or self.is_admin(who)

    def is_protected(self, alias: str) -> bool:
        """Return whether only the gate and approvers move an alias."""
        return alias in ALWAYS_PROTECTED or alias in self.protected

    def _rule(self, grants: tuple[Grant, ...], name: str) -> "Rule":
        grant = next((one for one in grants if is_like(name, one.pattern)), Grant("*"))
        return Rule(grant, self)


class Rule(msgspec.Struct, frozen=True):
    """What holds for one thing."""

    grant: Grant
    access: Access

    def role(self, who: str) -> Role:
        """Return the role of a caller; one without a name has only what everybody has."""
        if self.access.is_admin(who):
            return "manage"
        for role in reversed(ROLES[1:]):
            if _is_among(who, getattr(self.grant, role)):
                return role
        return self.access.default if self.grant.others is None else self.grant.others

    @property
    def managers(self) -> tuple[str, ...]:
        """Whom to ask for a role."""
        return tuple(dict.fromkeys((*self.grant.manage, *self.access.admins)))


def suffices(role: Role, wanted: Role) -> bool:
    """Return whether a role includes another."""
    return ROLES.index(role) >= ROLES.index(wanted)


def is_like(name: str, pattern: str) -> bool:
    """Return whether a name is like a pattern, letter by letter, with `*` for any characters."""
    return _expression(pattern).fullmatch(name) is not None if "*" in pattern else name == pattern


@cache
def _expression(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, pattern.split("*"))), re.DOTALL)


def _is_among(who: str, patterns: tuple[str, ...]) -> bool:
    return bool(who) and any(is_like(who, one) for one in patterns)


def _check_role(role: Role | None, what: str) -> None:
    if role is not None and role not in ROLES:
        raise DefinitionError(f"{what}: {role!r} is no role: use one of {', '.join(ROLES)}")


def _check_names(names: object, what: str) -> None:
    """Refuse what a slip of the pen makes of a list of names: one text, which is a list of letters, or empty names."""
    if not isinstance(names, tuple) or not all(isinstance(one, str) and one.strip() for one in names):
        raise DefinitionError(f"{what}: {names!r} is no list of names: write ('ann@example.com',) with the comma")
