"""Where a stack is, and how the names of its things begin."""

import hashlib
from dataclasses import dataclass
from typing import Final

import pulumi

from loopwright.errors import DefinitionError

_ACCOUNT: Final = 30
_MARK: Final = 4


@dataclass(frozen=True, slots=True)
class Place:
    """A project's region, and the prefix of all names in it."""

    prefix: str
    project: str
    region: str

    def named(self, name: str) -> str:
        """Return the name of one of the stack's things."""
        return f"{self.prefix}-{name}"

    def account(self, name: str) -> str:
        """Return the name of a service account: these are short, and a prefix that is cut off gets a mark."""
        full = self.named(name)
        if len(full) <= _ACCOUNT:
            return full
        mark = hashlib.sha256(self.prefix.encode()).hexdigest()[:_MARK]
        return f"{self.prefix[: _ACCOUNT - len(name) - _MARK - 2].rstrip('-')}-{mark}-{name}"

    def email(self, name: str) -> str:
        """Return the address of a service account, which is known before it is made."""
        return f"{self.account(name)}@{self.project}.iam.gserviceaccount.com"


def this_place(prefix: str) -> Place:
    """Return the project and the region that are configured.

    Raises:
        DefinitionError: one is not; the message has the command that sets it.
    """
    return Place(prefix, _configured("project", "<id>"), _configured("region", "<region>"))


def _configured(key: str, example: str) -> str:
    found = pulumi.Config("gcp").get(key)
    if found:
        return found
    raise DefinitionError(f"provider=gcp wants a {key}: `pulumi config set gcp:{key} {example}`")
