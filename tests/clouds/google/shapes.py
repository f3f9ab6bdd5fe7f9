"""The REST APIs that the front keeps resources of as they come: how each names them, and what it adds to them."""

import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from tests.clouds.google.ledger import NUMBER, Json

_P: Final = "projects/[^/]+"
_L: Final = f"{_P}/locations/[^/]+"


@dataclass(frozen=True, slots=True)
class Shape:
    """One collection of resources.

    Attributes:
        path: a pattern of the collection's path, without the slash at its start.
        names: the parameter of the query, or as `.field` the field of the body, that says the name of a new one;
            without it Google says it.
        inside: the field of the body in which a new one is; without it the body is it.
        operation: whether whoever makes or changes one is given an operation, which is done at once here.
        added: what Google adds to a new one, by its name as it is in `name`, and what was asked for.
        renamed: what it is called after the name that was asked for.
        kept: whether a deleted one is still there for a while, and its name taken.
        upsert: whether one that is not there is made by changing it.
    """

    path: str
    names: str = ""
    inside: str = ""
    operation: bool = False
    added: Callable[[str, Json], Json] = lambda _name, _asked: {}
    renamed: Callable[[str, str], str] = lambda _collection, name: name
    kept: bool = False
    upsert: bool = False

    def takes(self, path: str) -> re.Match[str] | None:
        """Return the collection, the name of one in it if one is meant, and the verb, if a path is of this API."""
        return re.fullmatch(f"/({self.path})(?:/([^/:]+))?(?::([A-Za-z]+))?", path)


def _account(name: str, asked: Json) -> Json:
    email = name.rpartition("/")[2]
    return {"email": email, "uniqueId": str(secrets.randbelow(10**20)), "projectId": name.split("/")[1]}


def _sink(name: str, asked: Json) -> Json:
    service = f"serviceAccount:service-{NUMBER}@gcp-sa-logging.iam.gserviceaccount.com"
    return {"writerIdentity": service, **_short(name, asked)}


def _short(name: str, asked: Json) -> Json:
    return {"name": asked["name"]}


SHAPES: Final[Sequence[Shape]] = (
    Shape(
        f"v1/{_P}/serviceAccounts",
        ".accountId",
        "serviceAccount",
        added=_account,
        renamed=lambda collection, name: f"{name}@{collection.split('/')[2]}.iam.gserviceaccount.com",
    ),
    Shape(f"v1/{_P}/roles", ".roleId", "role", added=lambda *_: {"etag": "BwXh"}, kept=True),
    Shape(f"v1/{_P}/secrets", "secretId"),
    Shape(f"v1/{_L}/jobs", ".name", added=lambda *_: {"state": "ENABLED"}),
    Shape(f"v1/{_L}/repositories", "repositoryId", operation=True),
    Shape(f"v2/{_L}/buckets", "bucketId", added=lambda *_: {"lifecycleState": "ACTIVE"}, kept=True),
    Shape(f"v2/{_P}/sinks", ".name", added=_sink),
    Shape(f"v2/{_P}/exclusions", ".name", added=_short),
    Shape(f"v2/{_P}/metrics", ".name", added=_short),
    Shape(f"v3/{_P}/alertPolicies"),
    Shape(f"v3/{_P}/notificationChannels"),
    Shape(f"v1/{_P}/dashboards"),
    Shape("v1/billingAccounts/[^/]+/budgets"),
    Shape(f"v1/{_P}/databases", "databaseId", operation=True),
    Shape(f"v1/{_P}/databases/[^/]+/collectionGroups/[^/]+/fields", operation=True, upsert=True),
)
